/** Clean a table: spaces, empty words, numbers, dates, rows that are there twice. */

import { type FormEvent, useState } from 'react'
import { type CleanedColumn, cleanTable } from '../jobs/demo_jobs/cleaning.py'
import { count } from '../words'
import { Check, Select } from './fields'
import { MadeTable } from './made'
import type { ToolProps } from './tool-props'
import { ToolRun, useTool } from './tool-run'

const DUPLICATES = [
  ['off', 'Keep all rows'],
  ['whole-row', 'Keep the first of rows that are the same'],
  ['columns', 'Keep the first of rows with the same first column'],
] as const

export function CleanTool({ table, onMade }: ToolProps) {
  const tool = useTool(cleanTable)
  const [spaces, setSpaces] = useState(true)
  const [types, setTypes] = useState(true)
  const [dates, setDates] = useState(true)
  const [duplicates, setDuplicates] = useState<(typeof DUPLICATES)[number][0]>('whole-row')
  const start = (event: FormEvent) => {
    event.preventDefault()
    const [first] = table.columns
    void tool.start({
      table: table.id,
      options: {
        trim: spaces,
        collapseSpaces: spaces,
        types: types ? 'auto' : 'none',
        dates: dates ? 'auto' : 'none',
        duplicates,
        duplicateColumns: duplicates === 'columns' && first ? [first.name] : [],
      },
    })
  }
  return (
    <>
      <form className="form" onSubmit={start}>
        <div className="checks">
          <Check label="Remove spaces that are too many" isOn={spaces} onChange={setSpaces} />
          <Check label="Write numbers in one way" isOn={types} onChange={setTypes} />
          <Check label="Write dates as 2026-11-27" isOn={dates} onChange={setDates} />
        </div>
        <Select
          label="Rows that are there twice"
          choices={DUPLICATES}
          value={duplicates}
          onChoose={setDuplicates}
        />
        <div className="actions">
          <button type="submit" className="button primary" disabled={tool.job.isActive}>
            Clean
          </button>
          <p className="hint">It becomes another table; this one stays as it is.</p>
        </div>
      </form>
      <ToolRun tool={tool} name="The cleaning">
        {({ table: made, duplicates: removed, columns, notes }) => (
          <>
            <MadeTable table={made} onShow={onMade} />
            <p className="hint">
              {removed === 0
                ? 'No row was there twice.'
                : `${count(removed)} rows were there twice.`}
            </p>
            {notes.length > 0 && (
              <ul className="notes">
                {notes.map((note) => (
                  <li key={note}>{note}</li>
                ))}
              </ul>
            )}
            <Changes columns={columns} />
          </>
        )}
      </ToolRun>
    </>
  )
}

function Changes({ columns }: { readonly columns: readonly CleanedColumn[] }) {
  const touched = columns.filter(({ changed, left }) => changed > 0 || left > 0)
  if (touched.length === 0) return <p className="hint">No cell had to be changed.</p>
  return (
    <table className="stacked" data-testid="changes">
      <thead>
        <tr>
          {['Column', 'Cells changed', 'Left as unclear', 'For example'].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {touched.map(({ name, changed, left, examples }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td data-label="Cells changed" className="number">
              {count(changed)}
            </td>
            <td data-label="Left as unclear" className="number">
              {count(left)}
            </td>
            <td data-label="For example">
              {examples.slice(0, 3).map(({ before, after }) => (
                <span key={`${before}\0${after}`} className="example">
                  <code>{before}</code> → <code>{after === '' ? 'empty' : after}</code>
                </span>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
