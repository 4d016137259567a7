/** Choose a job, fill in its input, and watch what comes of it. */

import { useCallback, useMemo, useState, useSyncExternalStore } from 'react'
import type { DurablyClient } from '../../core/index'
import { Problem } from '../parts/problem'
import { ProgressBar } from '../parts/progress'
import { StatusChip } from '../parts/status-chip'
import { useAnswer } from '../parts/use-answer'
import { TriggerForm } from './trigger-form'

interface TriggerViewProps {
  readonly durably: DurablyClient
  readonly onOpen: (runId: string) => void
}

export function TriggerView({ durably, onOpen }: TriggerViewProps) {
  const { value: jobs, error } = useAnswer(useCallback(() => durably.jobs(), [durably]))
  const [name, setName] = useState('')
  const [runId, setRunId] = useState<string | null>(null)
  const job = jobs?.find((one) => one.name === name) ?? jobs?.[0]
  if (error !== null) return <Problem title="The jobs can’t be read" error={error} />
  if (jobs === null) return <p className="hint view">Asking the engine…</p>
  if (job === undefined) {
    return (
      <div className="empty">
        <p>
          <strong>No job is registered</strong>
        </p>
        <p>A function with @job in a module of the app’s jobs is one.</p>
      </div>
    )
  }
  return (
    <section className="view" aria-label="Trigger">
      <label className="field job-choice">
        <span>Job</span>
        <select
          className="input"
          value={job.name}
          onChange={(event) => {
            setName(event.target.value)
            setRunId(null)
          }}
        >
          {jobs.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </select>
      </label>
      {runId !== null && <Triggered durably={durably} runId={runId} onOpen={onOpen} />}
      <TriggerForm key={job.name} durably={durably} job={job} onTriggered={setRunId} />
    </section>
  )
}

interface TriggeredProps {
  readonly durably: DurablyClient
  readonly runId: string
  readonly onOpen: (runId: string) => void
}

function Triggered({ durably, runId, onOpen }: TriggeredProps) {
  const store = useMemo(() => durably.runStore(runId), [durably, runId])
  const run = useSyncExternalStore(store.subscribe, store.getSnapshot)
  return (
    <div className="triggered" role="status">
      <p>
        {run.status !== null && <StatusChip status={run.status} availableAt={run.availableAt} />}{' '}
        <span className="mono wrap">{runId}</span>
      </p>
      {run.progress !== null && <ProgressBar progress={run.progress} isActive={run.isActive} />}
      {run.error !== null && <p className="field-problem">{run.error}</p>}
      <button type="button" className="button small" onClick={() => onOpen(runId)}>
        Open the run
      </button>
    </div>
  )
}
