/** The one screen: choose a file, watch it go in, look at what came of it. */

import type { ClientRun, RunStatus } from 'durably-py'
import { useDurably, useJob } from 'durably-py/react'
import { useState, useTransition } from 'react'
import { type Choice, FilePicker } from './file-picker'
import { HealthNotice } from './health-notice'
import { importCsv } from './jobs/demo_jobs/importing.py'
import { Problem } from './problem'
import { ImportedRows, Result } from './result'
import { RunCard } from './run-card'

interface ImporterProps {
  /** The newest import when the page was loaded. */
  readonly latest: ClientRun | null
}

const WAITING_FOR: Readonly<Partial<Record<RunStatus, string>>> = {
  pending: 'An import is waiting to start.',
  leased: 'An import is running.',
}

export function Importer({ latest }: ImporterProps) {
  const { durably } = useDurably()
  const job = useJob(importCsv, { initialRunId: latest?.id })
  const [isCopying, copy] = useTransition()
  const [refusal, setRefusal] = useState<unknown>(null)

  const [fileName, setFileName] = useState(fileNameOf(latest))

  const start = (choice: Choice) =>
    copy(async () => {
      setRefusal(null)
      await job.trigger(choice).then(() => setFileName(choice.file.name), setRefusal)
    })
  const runId = job.currentRunId
  const wasRunning = latest?.isActive === true && runId === latest.id
  const waitingFor = isCopying
    ? 'Copying the file into this browser…'
    : ((job.status && WAITING_FOR[job.status]) ?? null)
  const cancel = async () => {
    if (runId !== null) await durably.cancel(runId)
  }
  const resume = async () => {
    if (runId !== null) await durably.resume(runId)
  }

  return (
    <>
      <FilePicker waitingFor={waitingFor} onImport={start} />
      {refusal !== null && <Problem title="The import could not be started" error={refusal} />}
      <HealthNotice />
      {runId !== null && (
        <RunCard
          job={job}
          fileName={fileName}
          savedBefore={wasRunning ? (latest.progress ?? 'nothing yet') : null}
          onCancel={cancel}
          onResume={resume}
        />
      )}
      {job.isCompleted && job.output !== null && <Result result={job.output} />}
      {job.isTerminal && runId !== null && !(job.isFailed && job.progress === null) && (
        <ImportedRows runId={runId} isWhole={job.isCompleted} />
      )}
    </>
  )
}

/** The name of the file that *run* was given, as far as its input tells. */
function fileNameOf(run: ClientRun | null): string {
  const file = Object(Object(run?.input).file)
  return typeof file.name === 'string' ? file.name : ''
}
