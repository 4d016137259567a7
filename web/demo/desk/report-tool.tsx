/** Sum a table up by groups: rows, a chart, and both as files. */

import type { BlobRef } from 'durably-py'
import { useDurably } from 'durably-py/react'
import { type FormEvent, useEffect, useState } from 'react'
import { type Measure, makeReport, type ReportResult } from '../jobs/demo_jobs/reporting.py'
import { columnChoices, Select, Text } from './fields'
import { MadeTable, SaveFile } from './made'
import type { ToolProps } from './tool-props'
import { ToolRun, useTool } from './tool-run'

const MEASURES: readonly (readonly [Measure['measure'], string])[] = [
  ['count', 'Number of rows'],
  ['sum', 'Sum'],
  ['mean', 'Mean'],
  ['min', 'Smallest'],
  ['max', 'Largest'],
  ['distinct', 'Different values'],
]
const NOTHING = ['', 'Nothing'] as const

export function ReportTool({ table, onMade }: ToolProps) {
  const tool = useTool(makeReport)
  const columns = columnChoices(table.columns)
  const number = table.columns.find(({ kind }) => kind === 'int' || kind === 'float')
  const [groupBy, setGroupBy] = useState(
    table.columns.find(({ kind }) => kind === 'text')?.name ?? '',
  )
  const [measure, setMeasure] = useState<Measure['measure']>('count')
  const [column, setColumn] = useState(number?.name ?? columns[0]?.[0] ?? '')
  const [top, setTop] = useState('20')
  const start = (event: FormEvent) => {
    event.preventDefault()
    void tool.start({
      table: table.id,
      groupBy: groupBy === '' ? [] : [groupBy],
      measures: [measure === 'count' ? { measure } : { measure, column }],
      top: Number(top) > 0 ? Number(top) : null,
    })
  }
  return (
    <>
      <form className="form" onSubmit={start}>
        <div className="fields">
          <Select
            label="For each"
            choices={[NOTHING, ...columns]}
            value={groupBy}
            onChoose={setGroupBy}
          />
          <Select label="Tell the" choices={MEASURES} value={measure} onChoose={setMeasure} />
          {measure !== 'count' && (
            <Select label="Of" choices={columns} value={column} onChoose={setColumn} />
          )}
          <Text label="At most so many groups" type="number" value={top} onChange={setTop} />
        </div>
        <button type="submit" className="button primary" disabled={tool.job.isActive}>
          Make the report
        </button>
      </form>
      <ToolRun tool={tool} name="The report">
        {(output) => (
          <>
            <MadeTable table={output.table} onShow={onMade} />
            <Report report={output} />
          </>
        )}
      </ToolRun>
    </>
  )
}

function Report({ report }: { readonly report: ReportResult }) {
  return (
    <>
      <Chart file={report.svg} name={report.table.name} />
      <div className="actions">
        <SaveFile file={report.csv} label="Save as CSV" />
        <SaveFile file={report.xlsx} label="Save for Excel" />
        <SaveFile file={report.svg} label="Save the chart" />
      </div>
    </>
  )
}

/** The chart as a picture: what is in its file can do nothing to the page. */
function Chart({ file, name }: { readonly file: BlobRef; readonly name: string }) {
  const { durably } = useDurably()
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    let made: string | null = null
    let isWanted = true
    durably.readBlob(file).then(
      (blob) => {
        if (!isWanted) return
        made = URL.createObjectURL(blob)
        setUrl(made)
      },
      // Its button below says what is wrong.
      () => {},
    )
    return () => {
      isWanted = false
      if (made !== null) URL.revokeObjectURL(made)
    }
  }, [durably, file])
  return url === null ? null : <img className="chart" src={url} alt={`Chart of ${name}`} />
}
