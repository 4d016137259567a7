/** Trigger a job and watch its run. */

import { useEffect, useMemo, useSyncExternalStore } from 'react'
import {
  type ClientTriggerOptions,
  type ClientWaitOptions,
  type Completed,
  type JobRef,
  JobStore,
  type JobStoreOptions,
  type Json,
  type TriggerAnswer,
  type TriggerInput,
  type TriggerOptions,
} from '../core/index'
import { nameOf } from '../core/job-ref'
import { useClient } from './durably-provider'
import { type RunResult, resultOf } from './run-result'
import { useStable } from './use-stable'

export interface UseJobOptions extends JobStoreOptions {
  /** What goes with each trigger that does not say otherwise. */
  readonly triggerOptions?: TriggerOptions | undefined
}

/** The run that `useJob` shows, and what can be done. Functions keep their identity. */
export interface UseJobResult<Input, Output> extends RunResult<Output> {
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
  readonly currentRunId: string | null
  /** Whether it is not known yet which run is to be shown, or what has become of it. */
  readonly isResolving: boolean
  /** Show no run, until the next one is triggered or followed. */
  readonly reset: () => void
}

/** Trigger *job* and watch its run: the one given, the active one after a reload, or the latest. */
export function useJob<Name extends string, Input, Output>(
  job: JobRef<Name, Input, Output>,
  options?: UseJobOptions,
): UseJobResult<Input, Output>
export function useJob<Input = unknown, Output = Json>(
  jobName: string,
  options?: UseJobOptions,
): UseJobResult<Input, Output>
export function useJob<Input, Output>(
  job: string | JobRef<string, Input, Output>,
  { triggerOptions, ...options }: UseJobOptions = {},
): UseJobResult<Input, Output> {
  const durably = useClient()
  const jobName = nameOf(job)
  const chosen = useStable(options)
  const store = useMemo(
    () => new JobStore<Input, Output>(durably, jobName, chosen),
    [durably, jobName, chosen],
  )
  useEffect(() => {
    store.triggerOptions = triggerOptions ?? {}
  })
  const run = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => {
    const { trigger, triggerAndWait, reset } = store
    const { runId: currentRunId, isResolving } = run
    return {
      ...resultOf<Output>(run),
      trigger,
      triggerAndWait,
      currentRunId,
      isResolving,
      reset,
    }
  }, [store, run])
}
