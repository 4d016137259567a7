/** One import as it goes: its status, how far it is, what it says. */

import { useId, useState, useTransition } from 'react'
import type { LogEntry, Progress, RunStatus } from '../core/index'
import type { UseJobResult } from '../react/index'
import type { ImportInput, ImportResult } from './jobs'
import { Problem } from './problem'
import { count, percent } from './words'

type Job = UseJobResult<ImportInput, ImportResult>

interface RunCardProps {
  readonly job: Job
  readonly fileName: string
  /** What had been saved when this page was loaded; null when the run began on this page. */
  readonly savedBefore: Progress | 'nothing yet' | null
  readonly onCancel: () => Promise<void>
  readonly onResume: () => Promise<void>
}

const TITLES: Readonly<Record<RunStatus, string>> = {
  pending: 'Waiting to start',
  leased: 'Importing',
  completed: 'Imported',
  failed: 'Not imported',
  cancelled: 'Cancelled',
}

const CHIPS: Readonly<Record<RunStatus, string>> = {
  pending: 'waiting',
  leased: 'running',
  completed: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
}

export function RunCard({ job, fileName, savedBefore, onCancel, onResume }: RunCardProps) {
  const id = useId()
  const [isAsking, ask] = useTransition()
  const { status, progress, logs, error } = job
  const [refusal, setRefusal] = useState<unknown>(null)
  const act = (action: () => Promise<void>) => () =>
    ask(async () => {
      setRefusal(null)
      await action().catch(setRefusal)
    })
  return (
    <section
      className="card"
      aria-labelledby={id}
      data-testid="run"
      data-status={status ?? 'unknown'}
    >
      <header className="card-head">
        <h2 id={id}>
          {status === null ? 'Looking at the import' : TITLES[status]}{' '}
          <span className="file">{fileName}</span>
        </h2>
        {status !== null && <span className={`chip ${status}`}>{CHIPS[status]}</span>}
      </header>
      {savedBefore !== null && (
        <p className="note" data-testid="resumed">
          This page was loaded again and the import went on by itself.{' '}
          {savedBefore === 'nothing yet'
            ? 'Nothing had been saved yet.'
            : `Saved before: ${savedBefore.message ?? count(savedBefore.current)}.`}
        </p>
      )}
      {(job.isActive || job.isCancelled) && <Bar progress={progress} isActive={job.isActive} />}
      {job.isFailed && <Problem title="The import stopped" error={error ?? 'It failed.'} />}
      {job.subscriptionError !== null && (
        <Problem title="The import can’t be followed" error={job.subscriptionError} />
      )}
      {refusal !== null && <Problem title="That was not possible" error={refusal} />}
      {logs.length > 0 && <LogLines logs={logs} isOpen={job.isActive} />}
      {job.isActive && (
        <button type="button" className="button" disabled={isAsking} onClick={act(onCancel)}>
          Cancel
        </button>
      )}
      {job.isCancelled && (
        <button type="button" className="button" disabled={isAsking} onClick={act(onResume)}>
          Go on from the last saved batch
        </button>
      )}
    </section>
  )
}

function Bar({
  progress,
  isActive,
}: {
  readonly progress: Progress | null
  readonly isActive: boolean
}) {
  const share = progress?.total ? progress.current / progress.total : null
  const words = progress?.message ?? (isActive ? 'Looking at the file' : 'Nothing was imported')
  // Screen readers hear every quarter, not every batch.
  const quarter = share === null ? null : Math.floor(share * 4) / 4
  return (
    <div className="bar">
      <progress
        aria-label="Part of the file that is imported"
        {...(share === null ? {} : { value: share })}
        max={1}
      />
      <p>
        <span data-testid="progress-message">{words}</span>
        <span data-testid="percent">{share === null ? '' : percent(share)}</span>
      </p>
      <p className="visually-hidden" role="status">
        {isActive && quarter !== null && `${percent(quarter)} of the file is imported`}
      </p>
    </div>
  )
}

function LogLines({
  logs,
  isOpen,
}: {
  readonly logs: readonly LogEntry[]
  readonly isOpen: boolean
}) {
  return (
    <details className="log" open={isOpen}>
      <summary>Log, {count(logs.length)} lines</summary>
      <ol data-testid="log" reversed>
        {logs.toReversed().map(({ id, level, message }) => (
          <li key={id} className={level}>
            {level !== 'info' && <span className="level">{level}</span>} {message}
          </li>
        ))}
      </ol>
    </details>
  )
}
