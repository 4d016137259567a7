/** Trigger a job and watch its run. */

import { useMemo, useSyncExternalStore } from 'react'
import {
  type ClientTriggerOptions,
  type ClientWaitOptions,
  type Completed,
  type DurablyError,
  type JobRef,
  JobStore,
  type JobStoreOptions,
  type Json,
  type LogEntry,
  type Progress,
  type RunState,
  type RunStatus,
  type TriggerAnswer,
  type TriggerInput,
} from '../core/index'
import { useClient } from './durably-provider'

/** The run that `useJob` shows, and what can be done. Functions keep their identity. */
export interface UseJobResult<Input, Output> {
  /** Start a run and show it; resolves once it is stored. Files in *input* are stored first. */
  readonly trigger: (
    input: TriggerInput<Input>,
    options?: ClientTriggerOptions,
  ) => Promise<TriggerAnswer>
  /** Start a run, show it, and resolve with its output. */
  readonly triggerAndWait: (
    input: TriggerInput<Input>,
    options?: ClientWaitOptions,
  ) => Promise<Completed<Output>>
  /** Null while no run is shown, or nothing is known of it yet. */
  readonly status: RunStatus | null
  readonly output: Output | null
  /** Why the run failed; else why it can't be followed any more. */
  readonly error: string | null
  /** The Python exception's class name. */
  readonly errorType: string | null
  /** Why the run is no longer followed, with its code. */
  readonly subscriptionError: DurablyError | null
  readonly logs: readonly LogEntry[]
  readonly progress: Progress | null
  readonly isPending: boolean
  readonly isLeased: boolean
  readonly isCompleted: boolean
  readonly isFailed: boolean
  readonly isCancelled: boolean
  readonly isTerminal: boolean
  readonly isActive: boolean
  /** Pending, and no job of this name is registered where the engine runs. */
  readonly isParked: boolean
  /** Pending, and not claimed before this ISO time: the run waits out a backoff. */
  readonly availableAt: string | null
  readonly currentRunId: string | null
  /** Show no run, until the next one is triggered or followed. */
  readonly reset: () => void
}

/** Trigger *job* and watch its run: the one given, the active one after a reload, or the latest. */
export function useJob<Name extends string, Input, Output>(
  job: JobRef<Name, Input, Output>,
  options?: JobStoreOptions,
): UseJobResult<Input, Output>
export function useJob<Input = unknown, Output = Json>(
  jobName: string,
  options?: JobStoreOptions,
): UseJobResult<Input, Output>
export function useJob<Input, Output>(
  job: string | JobRef<string, Input, Output>,
  { initialRunId, autoResume, followLatest }: JobStoreOptions = {},
): UseJobResult<Input, Output> {
  const durably = useClient()
  const jobName = typeof job === 'string' ? job : job.name
  const store = useMemo(
    () => new JobStore<Input, Output>(durably, jobName, { initialRunId, autoResume, followLatest }),
    [durably, jobName, initialRunId, autoResume, followLatest],
  )
  const run = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => resultOf(store, run), [store, run])
}

function resultOf<Input, Output>(
  { trigger, triggerAndWait, reset }: JobStore<Input, Output>,
  run: RunState,
): UseJobResult<Input, Output> {
  return {
    trigger,
    triggerAndWait,
    status: run.status,
    output: run.output as Output | null,
    error: run.error ?? run.subscriptionError?.message ?? null,
    errorType: run.errorType,
    subscriptionError: run.subscriptionError,
    logs: run.logs,
    progress: run.progress,
    isPending: run.isPending,
    isLeased: run.isLeased,
    isCompleted: run.isCompleted,
    isFailed: run.isFailed,
    isCancelled: run.isCancelled,
    isTerminal: run.isTerminal,
    isActive: run.isActive,
    isParked: run.isParked,
    availableAt: run.availableAt,
    currentRunId: run.runId,
    reset,
  }
}
