/** The list of runs: as long as the store, and light all the same. */

// biome-ignore-all lint/a11y/useSemanticElements: rows are placed one by one, as the boxes of a table can’t be
// biome-ignore-all lint/a11y/useFocusableInteractive: the keyboard goes from row to row, not from cell to cell

import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { useIsNarrow } from '../parts/use-is-narrow'
import { type RowsHandle, VirtualRows } from '../parts/virtual-rows'
import { PAGE_SIZE, type RunPages } from './run-pages'
import { COLUMNS, RunRow } from './run-row'

const ROW_HEIGHT = 44
const NARROW_ROW_HEIGHT = 68
const HEAD_HEIGHT = 36

/** Where the list stood when a run of it was opened. */
export interface ListPlace {
  readonly offset: number
  readonly index: number | null
}

interface RunsTableProps {
  readonly pages: RunPages
  readonly place: ListPlace
  readonly onOpen: (runId: string, place: ListPlace) => void
}

export function RunsTable({ pages, place, onOpen }: RunsTableProps) {
  const {
    count,
    isCounted,
    pages: loaded,
  } = useSyncExternalStore(pages.subscribe, pages.getSnapshot)
  const scroller = useRef<HTMLDivElement>(null)
  const handle = useRef<RowsHandle>(null)
  const rowHeight = useIsNarrow(scroller) ? NARROW_ROW_HEIGHT : ROW_HEIGHT
  const [reached, setReached] = useState(place.index ?? 0)
  const focus = useFocusOf(scroller, handle)
  useStill(scroller, rowHeight, isCounted ? count : null)

  // Back from a run, the keyboard goes on where it was.
  const [returned] = useState(place.index)
  const isThere = count > 0
  useEffect(() => {
    if (returned !== null && isThere) focus(returned)
  }, [returned, isThere, focus])

  const open = useCallback(
    (runId: string, index: number) =>
      onOpen(runId, { offset: scroller.current?.scrollTop ?? 0, index }),
    [onOpen],
  )
  const move = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1)
    const to = destination(event.key, reached, count, page)
    if (to === null) return
    event.preventDefault()
    setReached(to)
    focus(to)
  }
  return (
    <div
      className="runs-grid"
      role="grid"
      aria-label="Runs"
      aria-rowcount={isCounted ? count + 1 : -1}
      onKeyDown={move}
    >
      <div className="runs-scroll" ref={scroller} role="presentation">
        <div role="rowgroup" className="runs-head">
          <div role="row" aria-rowindex={1} className="run-row head">
            {COLUMNS.map((column) => (
              <span key={column} role="columnheader">
                {column}
              </span>
            ))}
          </div>
        </div>
        <VirtualRows
          scroller={scroller}
          count={count}
          rowHeight={rowHeight}
          initialOffset={place.offset}
          covered={HEAD_HEIGHT}
          onShow={pages.show}
          handle={handle}
          role="rowgroup"
        >
          {(index) => (
            <RunRow
              run={loaded.get(Math.floor(index / PAGE_SIZE))?.[index % PAGE_SIZE]}
              index={index}
              isReached={index === Math.min(reached, count - 1)}
              onOpen={open}
            />
          )}
        </VirtualRows>
      </div>
    </div>
  )
}

function destination(key: string, from: number, count: number, page: number): number | null {
  const last = count - 1
  if (last < 0) return null
  if (key === 'ArrowDown') return Math.min(last, from + 1)
  if (key === 'ArrowUp') return Math.max(0, from - 1)
  if (key === 'PageDown') return Math.min(last, from + page)
  if (key === 'PageUp') return Math.max(0, from - page)
  if (key === 'Home') return 0
  return key === 'End' ? last : null
}

/** Return what brings a row into view and the focus to it: once it exists, which takes a scroll. */
function useFocusOf(
  scroller: React.RefObject<HTMLElement | null>,
  handle: React.RefObject<RowsHandle | null>,
): (index: number) => void {
  return useCallback(
    (index) => {
      handle.current?.scrollToRow(index)
      const tries = 20
      const attempt = (left: number) => {
        const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)
        if (row) row.focus({ preventScroll: true })
        else if (left > 0) requestAnimationFrame(() => attempt(left - 1))
      }
      attempt(tries)
    },
    [scroller, handle],
  )
}

/** Whoever has scrolled down keeps the runs in view that they look at, when new ones come above. */
function useStill(
  scroller: React.RefObject<HTMLElement | null>,
  rowHeight: number,
  count: number | null,
): void {
  const before = useRef<number | null>(null)
  useLayoutEffect(() => {
    const list = scroller.current
    if (list !== null && count !== null && before.current !== null && list.scrollTop > rowHeight) {
      list.scrollTop += (count - before.current) * rowHeight
    }
    before.current = count
  }, [scroller, rowHeight, count])
}
