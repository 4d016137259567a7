/** What became of a file: counts, refused rows, columns, rows. */

import { useDurably } from 'durably-py/react'
import { useId } from 'react'
import type { ColumnSummary, ImportResult } from './jobs/demo_jobs/importing.py'
import { rows as importedRows, refusedRows } from './jobs/demo_jobs/queries.py'
import { PagedTable, type TablePage } from './paged-table'
import { count } from './words'

const DELIMITERS: Readonly<Record<string, string>> = {
  ',': 'commas',
  ';': 'semicolons',
  '\t': 'tabs',
  '|': 'vertical bars',
}

const ENCODINGS: Readonly<Record<string, string>> = {
  'utf-8': 'UTF-8',
  'utf-16-le': 'UTF-16',
  'utf-16-be': 'UTF-16',
  cp1252: 'Windows-1252',
}

const KINDS: Readonly<Record<ColumnSummary['kind'], string>> = {
  int: 'whole number',
  float: 'number',
  bool: 'yes or no',
  date: 'date',
  text: 'text',
  empty: 'empty',
}

export function Result({ result }: { readonly result: ImportResult }) {
  const { imported, refused, blank, columns, notes, delimiter, encoding } = result
  return (
    <>
      <section className="card" aria-label="Result" data-testid="result">
        <dl className="figures">
          <Figure name="rows imported" value={imported} testId="imported" />
          <Figure name="rows refused" value={refused} testId="refused" isBad={refused > 0} />
          <Figure name="columns" value={columns.length} testId="columns-count" />
          {blank > 0 && <Figure name="blank lines skipped" value={blank} testId="blank" />}
        </dl>
        <p className="hint">
          Read as {ENCODINGS[encoding] ?? encoding}, columns separated by{' '}
          {DELIMITERS[delimiter] ?? delimiter}.
        </p>
        {notes.length > 0 && (
          <ul className="notes" data-testid="notes">
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
      </section>
      <Columns columns={columns} />
    </>
  )
}

interface FigureProps {
  readonly name: string
  readonly value: number
  readonly testId: string
  readonly isBad?: boolean
}

function Figure({ name, value, testId, isBad = false }: FigureProps) {
  return (
    <div className={isBad ? 'figure bad' : 'figure'}>
      <dt>{name}</dt>
      <dd data-testid={testId}>{count(value)}</dd>
    </div>
  )
}

function Columns({ columns }: { readonly columns: readonly ColumnSummary[] }) {
  const id = useId()
  return (
    <section className="card" aria-labelledby={id} data-testid="columns">
      <h2 id={id}>Columns</h2>
      <table className="stacked">
        <thead>
          <tr>
            {['Column', 'Type', 'Different values', 'Empty', 'Smallest', 'Largest'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {columns.map(({ name, kind, distinct, exact, empty, smallest, largest }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td data-label="Type">
                <span className="chip plain">{KINDS[kind]}</span>
              </td>
              <td data-label="Different values" className="number">
                {exact ? count(distinct) : `about ${count(distinct)}`}
              </td>
              <td data-label="Empty" className="number">
                {count(empty)}
              </td>
              <td data-label="Smallest">{smallest ?? '–'}</td>
              <td data-label="Largest">{largest ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** The refused and the imported rows of a run that has ended, whole or in part. */
export function ImportedRows({
  runId,
  isWhole,
}: {
  readonly runId: string
  readonly isWhole: boolean
}) {
  const { durably } = useDurably()
  const refused = async (page: object): Promise<TablePage> => {
    const { total, rows } = await durably.query(refusedRows, {
      run: runId,
      ...page,
    })
    return {
      total,
      columns: ['Row', 'Line', 'Column', 'Reason'],
      rows: rows.map(({ row, line, column, reason }) => [row, count(line), column, reason]),
    }
  }
  const imported = async (page: object): Promise<TablePage> => {
    const { total, columns, rows } = await durably.query(importedRows, { run: runId, ...page })
    return { total, columns: ['Row', ...columns], rows }
  }
  return (
    <>
      <PagedTable
        key={`refused ${runId}`}
        title="Refused rows"
        name="refused-rows"
        look="prose"
        load={refused}
        empty={isWhole ? 'None: every row fits the header.' : 'None so far.'}
      />
      <PagedTable
        key={`rows ${runId}`}
        title="Imported rows"
        name="rows"
        look="grid"
        load={imported}
        empty={isWhole ? 'None.' : 'None so far.'}
      />
    </>
  )
}
