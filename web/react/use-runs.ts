/** Watch a page of runs, and act on runs. */

import { useMemo, useSyncExternalStore } from 'react'
import {
  type ClientRun,
  type DurablyError,
  type JobRef,
  type RunsOptions,
  RunsStore,
  type StepRecord,
} from '../core/index'
import { useClient } from './durably-provider'
import { useStable } from './use-stable'

/** A run of a job whose types are known. Both are as the run has them: an output may be missing. */
export interface TypedRun<Input, Output> extends Omit<ClientRun, 'input' | 'output'> {
  readonly input: Input
  readonly output: Output | null
}

export interface UseRunsResult<Run = ClientRun> {
  /** Newest first. */
  readonly runs: readonly Run[]
  /** From 0. */
  readonly page: number
  readonly hasMore: boolean
  /** Whether the page that is wanted is not there yet; the one before it stays until then. */
  readonly isLoading: boolean
  readonly error: DurablyError | null
  readonly nextPage: () => void
  readonly prevPage: () => void
  /** Show a page; one below 0 is the first. */
  readonly goToPage: (page: number) => void
  /** Ask for the page anew; resolves when it is there. */
  readonly refresh: () => Promise<void>
}

/** Watch a page of runs: of one job with its types, or of all that *options* choose. */
export function useRuns<Name extends string, Input, Output>(
  job: JobRef<Name, Input, Output>,
  options?: Omit<RunsOptions, 'jobName'>,
): UseRunsResult<TypedRun<Input, Output>>
export function useRuns<Run extends object = ClientRun>(options?: RunsOptions): UseRunsResult<Run>
export function useRuns(
  jobOrOptions: JobRef | RunsOptions = {},
  others: Omit<RunsOptions, 'jobName'> = {},
): UseRunsResult<unknown> {
  const durably = useClient()
  const options = useStable(
    'name' in jobOrOptions ? { ...others, jobName: jobOrOptions.name } : jobOrOptions,
  )
  const store = useMemo(() => new RunsStore(durably, options), [durably, options])
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(() => {
    const { nextPage, prevPage, goToPage, refresh } = store
    return { ...state, nextPage, prevPage, goToPage, refresh }
  }, [store, state])
}

/** What can be done with a run, whichever it is. Every function rejects with a `DurablyError`. */
export interface RunActions {
  /** Start a fresh run with the input of an ended one; resolves with its id. */
  readonly retrigger: (runId: string) => Promise<string>
  readonly cancel: (runId: string) => Promise<void>
  /** Let a failed or cancelled run go on in place, with its saved steps. */
  readonly resume: (runId: string) => Promise<void>
  readonly deleteRun: (runId: string) => Promise<void>
  /** Null when there is none. */
  readonly getRun: (runId: string) => Promise<ClientRun | null>
  readonly getSteps: (runId: string) => Promise<readonly StepRecord[]>
}

/** Act on runs. Never renders by itself. */
export function useRunActions(): RunActions {
  const durably = useClient()
  return useMemo(
    () => ({
      retrigger: async (runId) => (await durably.retrigger(runId)).runId,
      cancel: (runId) => durably.cancel(runId),
      resume: (runId) => durably.resume(runId),
      deleteRun: (runId) => durably.deleteRun(runId),
      getRun: (runId) => durably.getRun(runId),
      getSteps: (runId) => durably.getSteps(runId),
    }),
    [durably],
  )
}
