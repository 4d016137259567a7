/** The tables that are there, and what can be done with one of them. */

import { useQuery } from 'durably-py/react'
import { useId, useState } from 'react'
import { type TableInfo, tables } from '../jobs/demo_jobs/queries.py'
import { Problem } from '../problem'
import { count, counted } from '../words'
import { CleanTool } from './clean-tool'
import { JoinTool } from './join-tool'
import { RemoveTool } from './remove-tool'
import { ReportTool } from './report-tool'
import { SyncTool } from './sync-tool'
import { TableRows } from './table-rows'
import type { ToolProps } from './tool-props'

/** Jobs that make tables, or remove one. */
const MAKERS = [
  'import-csv',
  'clean-table',
  'join-tables',
  'make-report',
  'sync-source',
  'drop-table',
]

const ORIGINS: Readonly<Record<TableInfo['origin'], string>> = {
  imported: 'imported',
  cleaned: 'cleaned',
  joined: 'joined',
  report: 'report',
  synced: 'fetched',
}

export function Desk() {
  const { data, error, isLoading } = useQuery(tables, null, { refetchOn: { jobName: MAKERS } })
  const [chosenId, choose] = useState<string | null>(null)
  const all = data ?? []
  const chosen = all.find(({ id }) => id === chosenId) ?? all[0] ?? null
  return (
    <>
      {error !== null && <Problem title="The tables cannot be listed" error={error} />}
      <TableList all={all} chosen={chosen} isLoading={isLoading} onChoose={choose} />
      {chosen !== null && (
        <Tools key={chosen.id} table={chosen} all={all} onMade={({ id }) => choose(id)} />
      )}
      <SyncTool onMade={({ id }) => choose(id)} />
    </>
  )
}

interface TableListProps {
  readonly all: readonly TableInfo[]
  readonly chosen: TableInfo | null
  readonly isLoading: boolean
  readonly onChoose: (id: string) => void
}

function TableList({ all, chosen, isLoading, onChoose }: TableListProps) {
  const id = useId()
  return (
    <section className="card" aria-labelledby={id} data-testid="tables">
      <h2 id={id}>Tables</h2>
      {all.length === 0 && (
        <p className="hint">
          {isLoading ? (
            'Reading…'
          ) : (
            <>
              None yet. <a href="#import">Import a file</a>, or fetch rows from a source below; each
              becomes a table that can be cleaned, joined and summed up.
            </>
          )}
        </p>
      )}
      <ul className="choices">
        {all.map(({ id: table, name, rows, columns, origin }) => (
          <li key={table}>
            <button
              type="button"
              className="choice"
              aria-pressed={table === chosen?.id}
              onClick={() => onChoose(table)}
            >
              <strong>{name}</strong>
              <span className="chip plain">{ORIGINS[origin]}</span>
              <span className="size">
                {counted(rows, 'row')} × {count(columns.length)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

const TOOLS = [
  ['rows', 'Rows', TableRows],
  ['clean', 'Clean', CleanTool],
  ['join', 'Join', JoinTool],
  ['report', 'Report', ReportTool],
  ['remove', 'Remove', RemoveTool],
] as const

function Tools(props: ToolProps) {
  const id = useId()
  const [shown, show] = useState<(typeof TOOLS)[number][0]>('rows')
  return (
    <section className="card" aria-labelledby={id} data-testid="table">
      <header className="card-head">
        <h2 id={id}>{props.table.name}</h2>
        <fieldset className="tools">
          <legend className="visually-hidden">What to do with {props.table.name}</legend>
          {TOOLS.map(([name, label]) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === shown}
              onClick={() => show(name)}
            >
              {label}
            </button>
          ))}
        </fieldset>
      </header>
      {/* Each stays, so that a run is followed while another tool is looked at. */}
      {TOOLS.map(([name, , Tool]) => (
        <div key={name} className="tool" hidden={name !== shown} data-testid={`tool-${name}`}>
          {(name !== 'rows' || shown === 'rows') && <Tool {...props} />}
        </div>
      ))}
    </section>
  )
}
