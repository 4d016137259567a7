/** A table that asks for one page at a time. */

import { type ReactNode, Suspense, use, useId, useState, useTransition } from 'react'
import { ProblemBoundary } from './problem'
import { count } from './words'

const PAGE = 50

export interface TablePage {
  readonly total: number
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

interface PagedRowsProps {
  readonly title: string
  /** Cells of the first column are row numbers; long text wraps in a prose table. */
  readonly look: 'grid' | 'prose'
  readonly load: (page: { readonly offset: number; readonly limit: number }) => Promise<TablePage>
  readonly empty: string
}

interface PagedTableProps extends PagedRowsProps {
  readonly name: string
}

/** Give it a `key` that changes when *load* asks for something else. */
export function PagedTable({ name, ...rows }: PagedTableProps) {
  const id = useId()
  return (
    <section className="card" aria-labelledby={id} data-testid={name}>
      <h2 id={id}>{rows.title}</h2>
      <PagedRows {...rows} />
    </section>
  )
}

/** The same without a heading. */
export function PagedRows({ title, look, load, empty }: PagedRowsProps) {
  const [page, setPage] = useState(() => ({ offset: 0, loaded: load({ offset: 0, limit: PAGE }) }))
  const [isTurning, startTurning] = useTransition()
  const turnTo = (offset: number) =>
    startTurning(() => setPage({ offset, loaded: load({ offset, limit: PAGE }) }))

  return (
    <ProblemBoundary title="The rows cannot be shown">
      <Suspense fallback={<p className="hint">Reading…</p>}>
        <Page
          {...page}
          look={look}
          title={title}
          empty={empty}
          isTurning={isTurning}
          turnTo={turnTo}
        />
      </Suspense>
    </ProblemBoundary>
  )
}

interface PageProps {
  readonly offset: number
  readonly loaded: Promise<TablePage>
  readonly look: PagedRowsProps['look']
  readonly title: string
  readonly empty: string
  readonly isTurning: boolean
  readonly turnTo: (offset: number) => void
}

function Page({ offset, loaded, look, title, empty, isTurning, turnTo }: PageProps) {
  const { total, columns, rows } = use(loaded)
  const name = title.toLowerCase()
  const label = `Table of ${name}`
  if (total === 0) return <p className="hint">{empty}</p>
  return (
    <>
      {/* A region that scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className="scroll" aria-label={label} aria-busy={isTurning} tabIndex={0}>
        <table className={look}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([row, ...cells]) => (
              <tr key={row}>
                <th scope="row">{typeof row === 'number' ? count(row) : row}</th>
                {cells.map((cell, index) => (
                  <td key={columns[index + 1]}>{cell === '' ? <Empty /> : cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Pager
        name={name}
        offset={offset}
        total={total}
        shown={rows.length}
        isTurning={isTurning}
        turnTo={turnTo}
      />
    </>
  )
}

function Empty(): ReactNode {
  return (
    <span className="empty">
      <span className="visually-hidden">empty</span>
    </span>
  )
}

interface PagerProps extends Pick<PageProps, 'offset' | 'isTurning' | 'turnTo'> {
  readonly name: string
  readonly total: number
  readonly shown: number
}

function Pager({ name, offset, total, shown, isTurning, turnTo }: PagerProps) {
  const last = Math.floor((total - 1) / PAGE) * PAGE
  const turn = (label: string, to: number, mark: string, isPossible: boolean) => (
    <button
      type="button"
      className="button small"
      aria-label={label}
      // Not `disabled`: the button that was pressed would lose the focus.
      aria-disabled={!isPossible || isTurning}
      onClick={() => isPossible && !isTurning && turnTo(to)}
    >
      {mark}
    </button>
  )
  return (
    <nav className="pager" aria-label={`Pages of ${name}`}>
      <p aria-live="polite" data-testid="page-range">
        {count(offset + 1)}–{count(offset + shown)} of {count(total)}
      </p>
      {total > PAGE && (
        <div className="turns">
          {turn('First page', 0, '«', offset > 0)}
          {turn('Previous page', offset - PAGE, '‹', offset > 0)}
          {turn('Next page', offset + PAGE, '›', offset < last)}
          {turn('Last page', last, '»', offset < last)}
        </div>
      )}
    </nav>
  )
}
