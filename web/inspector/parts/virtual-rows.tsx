/** Rows of one height, of which only those exist that can be seen. */

import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, type RefObject, useEffect } from 'react'
import { usePixels } from './css-vars'

/** Rows beyond the edges, so that a slow scroll shows no gap. */
const OVERSCAN = 8

export interface RowsHandle {
  readonly scrollToRow: (index: number) => void
  readonly offset: () => number
}

interface VirtualRowsProps {
  readonly scroller: RefObject<HTMLElement | null>
  readonly count: number
  readonly rowHeight: number
  readonly initialOffset?: number
  /** Pixels of the scroller that something else stands on, such as a head that stays. */
  readonly covered?: number
  /** Told of the rows that exist. */
  readonly onShow?: (first: number, last: number) => void
  readonly handle?: RefObject<RowsHandle | null>
  readonly role?: string
  readonly children: (index: number) => ReactNode
}

export function VirtualRows(props: VirtualRowsProps) {
  const {
    scroller,
    count,
    rowHeight,
    initialOffset = 0,
    covered = 0,
    onShow,
    handle,
    role,
    children,
  } = props
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    initialOffset,
    scrollPaddingEnd: covered,
  })
  useEffect(() => {
    if (rowHeight > 0) rows.measure()
  }, [rows, rowHeight])
  const items = rows.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  useEffect(() => onShow?.(first, last), [onShow, first, last])
  useEffect(() => {
    if (handle === undefined) return
    handle.current = {
      scrollToRow: (index) => rows.scrollToIndex(index),
      offset: () => rows.scrollOffset ?? 0,
    }
  }, [handle, rows])
  return (
    <div className="all-rows" role={role} ref={usePixels('--height', rows.getTotalSize())}>
      {items.map(({ index, start }) => (
        <Placed key={index} start={start}>
          {children(index)}
        </Placed>
      ))}
    </div>
  )
}

interface PlacedProps {
  readonly start: number
  readonly children: ReactNode
}

function Placed({ start, children }: PlacedProps) {
  return (
    <div className="placed" role="presentation" ref={usePixels('--start', start)}>
      {children}
    </div>
  )
}
