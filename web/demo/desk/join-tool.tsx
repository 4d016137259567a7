/** Join a table with another one by columns whose values are the same. */

import { type FormEvent, useState } from 'react'
import { joinTables } from '../jobs/demo_jobs/joining.py'
import type { TableInfo } from '../jobs/demo_jobs/queries.py'
import { count } from '../words'
import { Check, columnChoices, Select } from './fields'
import { MadeTable } from './made'
import type { ToolProps } from './tool-props'
import { ToolRun, useTool } from './tool-run'

const KINDS = [
  ['inner', 'Only rows that are in both'],
  ['left', 'All rows of this table'],
  ['outer', 'All rows of both'],
] as const

export function JoinTool({ table, all, onMade }: ToolProps) {
  const others = all.filter(({ id }) => id !== table.id)
  const [otherId, chooseOther] = useState(others[0]?.id ?? '')
  const other = others.find(({ id }) => id === otherId) ?? others[0]
  if (other === undefined) {
    return <p className="hint">There is no other table yet to join this one with.</p>
  }
  return (
    <Join
      key={other.id}
      left={table}
      right={other}
      onMade={onMade}
      choice={
        <Select
          label="Join with"
          choices={others.map(({ id, name }) => [id, name] as const)}
          value={other.id}
          onChoose={chooseOther}
        />
      }
    />
  )
}

interface JoinProps {
  readonly left: TableInfo
  readonly right: TableInfo
  readonly choice: React.ReactNode
  readonly onMade: (table: TableInfo) => void
}

function Join({ left, right, choice, onMade }: JoinProps) {
  const tool = useTool(joinTables)
  const same = left.columns.find(({ name }) => right.columns.some((one) => one.name === name))
  const [leftKey, setLeftKey] = useState(same?.name ?? left.columns[0]?.name ?? '')
  const [rightKey, setRightKey] = useState(same?.name ?? right.columns[0]?.name ?? '')
  const [kind, setKind] = useState<(typeof KINDS)[number][0]>('left')
  const [ignoreCase, setIgnoreCase] = useState(false)
  const start = (event: FormEvent) => {
    event.preventDefault()
    void tool.start({
      left: left.id,
      right: right.id,
      leftKeys: [leftKey],
      rightKeys: [rightKey],
      kind,
      ignoreCase,
    })
  }
  return (
    <>
      <form className="form" onSubmit={start}>
        <div className="fields">
          {choice}
          <Select
            label={`Column of ${left.name}`}
            choices={columnChoices(left.columns)}
            value={leftKey}
            onChoose={setLeftKey}
          />
          <Select
            label={`Column of ${right.name}`}
            choices={columnChoices(right.columns)}
            value={rightKey}
            onChoose={setRightKey}
          />
          <Select label="Which rows" choices={KINDS} value={kind} onChoose={setKind} />
        </div>
        <Check
          label="Capitals and small letters are the same"
          isOn={ignoreCase}
          onChange={setIgnoreCase}
        />
        <button type="submit" className="button primary" disabled={tool.job.isActive}>
          Join
        </button>
      </form>
      <ToolRun tool={tool} name="The join">
        {(output) => (
          <>
            <MadeTable table={output.table} onShow={onMade} />
            <p className="hint">
              {count(output.matchedLeft)} rows of {left.name} found a partner,{' '}
              {count(output.unmatchedLeft)} did not; of {right.name} {count(output.matchedRight)}{' '}
              and {count(output.unmatchedRight)}.
            </p>
            {output.repeated.length > 0 && (
              <p className="notes">
                Values that stand more than once make more rows:{' '}
                {output.repeated
                  .slice(0, 5)
                  .map(({ key, left: of, right: by }) => `${key} (${count(of)} × ${count(by)})`)
                  .join(', ')}
              </p>
            )}
          </>
        )}
      </ToolRun>
    </>
  )
}
