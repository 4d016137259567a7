/** One run of a tool's job: how far it is, what it says, what went wrong, and what can be done. */

import type { JobRef, TriggerInput } from 'durably-py'
import { type UseJobResult, useDurably, useJob } from 'durably-py/react'
import { type ReactNode, useState } from 'react'
import { Problem } from '../problem'
import { LogLines, ProgressBar } from '../run-parts'
import { withCode } from '../words'

export interface Tool<Input, Output> {
  readonly job: UseJobResult<Input, Output>
  /** Why the last run could not be started. */
  readonly refusal: unknown
  readonly start: (input: TriggerInput<Input>) => Promise<void>
}

/** A job as a tool of the page: it shows the runs that it starts itself. */
export function useTool<Name extends string, Input, Output>(
  ref: JobRef<Name, Input, Output>,
): Tool<Input, Output> {
  const job = useJob(ref, { autoResume: false, followLatest: false })
  const [refusal, setRefusal] = useState<unknown>(null)
  const start = async (input: TriggerInput<Input>) => {
    setRefusal(null)
    await job.trigger(input).catch(setRefusal)
  }
  return { job, refusal, start }
}

interface ToolRunProps<Input, Output> {
  readonly tool: Tool<Input, Output>
  /** What the job does, as a noun: "The cleaning". */
  readonly name: string
  readonly children: (output: Output) => ReactNode
}

export function ToolRun<Input, Output>({ tool, name, children }: ToolRunProps<Input, Output>) {
  const { durably } = useDurably()
  const { job, refusal } = tool
  const { currentRunId: runId, output } = job
  const [trouble, setTrouble] = useState<unknown>(null)
  const act = (action: (runId: string) => Promise<void>) => {
    if (runId === null) return
    setTrouble(null)
    action(runId).catch(setTrouble)
  }
  return (
    <>
      {refusal !== null && <Problem title={`${name} could not be started`} error={refusal} />}
      {trouble !== null && <Problem title="That was not possible" error={trouble} />}
      {runId !== null && job.status !== null && (
        <div className="tool-run" data-testid="tool-run" data-status={job.status}>
          {job.isActive && (
            <ProgressBar progress={job.progress} label={`${name}: how far it is`} idle="Starting" />
          )}
          {job.isFailed && (
            <Problem
              title={`${name} stopped`}
              error={withCode(job.error ?? 'It failed.', job.errorType)}
            />
          )}
          {job.isCancelled && <p className="hint">{name} was cancelled.</p>}
          {(job.isActive || job.isFailed) && <LogLines logs={job.logs} isOpen={job.isFailed} />}
          {job.isActive && (
            <button
              type="button"
              className="button"
              onClick={() => act((id) => durably.cancel(id))}
            >
              Cancel
            </button>
          )}
          {(job.isCancelled || job.isFailed) && (
            <button
              type="button"
              className="button"
              onClick={() => act((id) => durably.resume(id))}
            >
              Go on from the last saved step
            </button>
          )}
          {job.isCompleted && output !== null && children(output)}
        </div>
      )}
    </>
  )
}
