/** Which runs the list shows. */

import { type ReactNode, useEffect, useId, useState } from 'react'
import type { JobInfo, RunStatus } from '../../core/index'
import { parseLabels } from '../parts/labels'
import { STATUSES } from '../parts/status-chip'
import type { ChosenRuns } from './run-pages'

/** Milliseconds without a key before what was typed is looked for. */
const PAUSE = 300

export interface FilterChoice {
  readonly jobName: string
  readonly statuses: readonly RunStatus[]
  readonly labels: string
}

export const EVERYTHING: FilterChoice = { jobName: '', statuses: [], labels: '' }

/** As the engine is asked; null while the labels can't be read. */
export function filterOf({ jobName, statuses, labels }: FilterChoice): ChosenRuns | null {
  const parsed = parseLabels(labels)
  if (parsed === null) return null
  return {
    ...(jobName === '' ? {} : { jobName }),
    ...(statuses.length === 0 ? {} : { status: statuses }),
    ...(Object.keys(parsed).length === 0 ? {} : { labels: parsed }),
  }
}

interface RunFiltersProps {
  readonly jobs: readonly JobInfo[]
  readonly choice: FilterChoice
  readonly onChoose: (choice: FilterChoice) => void
  readonly children?: ReactNode
}

export function RunFilters({ jobs, choice, onChoose, children }: RunFiltersProps) {
  const problem = useId()
  const [typed, setTyped] = useState(choice.labels)
  const isWrong = parseLabels(typed) === null
  useEffect(() => {
    if (typed === choice.labels || parseLabels(typed) === null) return
    const timer = setTimeout(() => onChoose({ ...choice, labels: typed }), PAUSE)
    return () => clearTimeout(timer)
  }, [typed, choice, onChoose])
  const toggle = (status: RunStatus) => {
    const others = choice.statuses.filter((one) => one !== status)
    const isOn = others.length < choice.statuses.length
    onChoose({ ...choice, statuses: isOn ? others : [...others, status] })
  }
  return (
    <div className="filters">
      <label className="field">
        <span>Job</span>
        <select
          className="input"
          value={choice.jobName}
          onChange={(event) => onChoose({ ...choice, jobName: event.target.value })}
        >
          <option value="">All jobs</option>
          {namesOf(jobs, choice.jobName).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>Labels</span>
        <input
          className="input"
          value={typed}
          placeholder="key=value"
          autoCapitalize="off"
          spellCheck={false}
          aria-invalid={isWrong}
          aria-describedby={isWrong ? problem : undefined}
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
      <fieldset className="pills">
        <legend>Status</legend>
        {STATUSES.map((status) => (
          <label key={status} className="pill">
            <input
              type="checkbox"
              checked={choice.statuses.includes(status)}
              onChange={() => toggle(status)}
            />
            {status}
          </label>
        ))}
      </fieldset>
      {children}
      {isWrong && (
        <p className="field-problem wide" id={problem}>
          A label is written key=value; several have a blank between them.
        </p>
      )}
    </div>
  )
}

/** A job that is chosen and no longer registered stays in the list. */
function namesOf(jobs: readonly JobInfo[], chosen: string): readonly string[] {
  const names = jobs.map(({ name }) => name)
  return chosen === '' || names.includes(chosen) ? names : [chosen, ...names]
}
