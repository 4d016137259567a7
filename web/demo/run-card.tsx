/** One import as it goes: its status, how far it is, what it says. */

import type { Progress, RunStatus } from 'durably-py'
import type { UseJobResult } from 'durably-py/react'
import { useId, useState, useTransition } from 'react'
import type { ImportInput, ImportResult } from './jobs/demo_jobs/importing.py'
import { Problem } from './problem'
import { LogLines, ProgressBar } from './run-parts'
import { count, counted, percent, withCode } from './words'

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
  waiting: 'Waiting to go on',
  completed: 'Imported',
  failed: 'Import stopped',
  cancelled: 'Cancelled',
}

const CHIPS: Readonly<Record<RunStatus, string>> = {
  pending: 'waiting',
  leased: 'running',
  waiting: 'waiting',
  completed: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
}

export function RunCard({ job, fileName, savedBefore, onCancel, onResume }: RunCardProps) {
  const id = useId()
  const [isAsking, ask] = useTransition()
  const { status, progress, logs, error } = job
  const [refusal, setRefusal] = useState<unknown>(null)
  const act = (action: () => Promise<void>) => {
    if (isAsking) return
    ask(async () => {
      setRefusal(null)
      await action().catch(setRefusal)
    })
  }
  const next = nextOf(job)
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
      {(job.isActive || job.isCancelled) && (
        <ProgressBar
          progress={progress}
          label="Part of the file that is imported"
          idle={job.isActive ? 'Looking at the file' : 'Nothing was imported'}
        />
      )}
      <p className="visually-hidden" role="status">
        {spoken(job)}
      </p>
      {job.isFailed && (
        <Problem title="What is wrong" error={withCode(error ?? 'It failed.', job.errorType)} />
      )}
      {job.subscriptionError !== null && (
        <Problem title="The import can’t be followed" error={job.subscriptionError} />
      )}
      {refusal !== null && <Problem title="That was not possible" error={refusal} />}
      {logs.length > 0 && <LogLines logs={logs} isOpen={job.isActive} />}
      {/* One button for all of it, and never disabled: it must not lose the focus when it changes. */}
      {next !== null && (
        <button
          type="button"
          className="button"
          aria-disabled={isAsking}
          onClick={() => act(job.isActive ? onCancel : onResume)}
        >
          {next}
        </button>
      )}
    </section>
  )
}

/** What can be done with the import now. */
function nextOf(job: Job): string | null {
  if (job.isActive) return 'Cancel'
  if (job.isCancelled) return 'Go on from the last saved batch'
  // What failed before its first batch would fail again.
  return job.isFailed && job.progress !== null ? 'Try again from the last saved batch' : null
}

/** What a screen reader says of it: every quarter, not every batch, and the end. */
function spoken({ progress, isActive, output }: Job): string {
  if (output !== null)
    return `Imported: ${counted(output.imported, 'row')}, ${count(output.refused)} refused`
  if (!isActive || !progress?.total) return ''
  return `${percent(Math.floor((progress.current / progress.total) * 4) / 4)} of the file is imported`
}
