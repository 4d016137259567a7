/** The hooks of an app's own jobs, by their names. */

import {
  DurablyError,
  type JobRef,
  type QueryRef,
  type RunsOptions,
  type TriggerInput,
} from '../core/index'
import type { RunResult } from './run-result'
import { type UseJobOptions, type UseJobResult, useJob } from './use-job'
import { type UseQueryOptions, type UseQueryResult, useQuery } from './use-query'
import {
  type UseJobLogsOptions,
  type UseJobLogsResult,
  type UseJobRunOptions,
  useJobLogs,
  useJobRun,
} from './use-run'
import {
  type RunActions,
  type TypedRun,
  type UseRunsResult,
  useRunActions,
  useRuns,
} from './use-runs'

/** Jobs and queries by the names that the app gives them, such as all that one module exports. */
export type JobRefs = Readonly<Record<string, object>>

export interface JobHooks<Input, Output> {
  readonly useJob: (options?: UseJobOptions) => UseJobResult<Input, Output>
  readonly useRun: (
    runId: string | null,
    callbacks?: Omit<UseJobRunOptions, 'runId'>,
  ) => RunResult<Output>
  readonly useLogs: (
    runId: string | null,
    options?: Omit<UseJobLogsOptions, 'runId'>,
  ) => UseJobLogsResult
  readonly useRuns: (
    options?: Omit<RunsOptions, 'jobName'>,
  ) => UseRunsResult<TypedRun<Input, Output>>
}

export interface QueryHooks<Input, Output> {
  readonly useQuery: (
    input: TriggerInput<Input>,
    options?: UseQueryOptions,
  ) => UseQueryResult<Output>
}

type HooksOf<Ref> =
  Ref extends JobRef<string, infer Input, infer Output>
    ? JobHooks<Input, Output>
    : Ref extends QueryRef<string, infer Input, infer Output>
      ? QueryHooks<Input, Output>
      : never

const SHARED = { useRuns, useRunActions } as const

export type DurablyHooks<Jobs> = {
  readonly [Key in Exclude<keyof Jobs, keyof typeof SHARED>]: HooksOf<Jobs[Key]>
} & { readonly useRuns: typeof useRuns; readonly useRunActions: () => RunActions }

export interface CreateDurablyOptions<Jobs> {
  /** The references themselves. Without them a key names its job: `importCsv` is `import-csv`. */
  readonly jobs?: Jobs
}

/**
 * Return the hooks of *jobs* under their names: `durably.importCsv.useJob()`. Make it once, outside of
 * components; the hooks find the client of the `DurablyProvider` above them.
 */
export function createDurably<Jobs extends JobRefs>({
  jobs,
}: CreateDurablyOptions<Jobs> = {}): DurablyHooks<Jobs> {
  for (const key of Object.keys(jobs ?? {})) {
    if (key in SHARED) {
      const message = `a job cannot be called ${key} here: that is a hook for all jobs`
      throw new DurablyError('validation', message)
    }
  }
  const known = new Map<string, object>(Object.entries(SHARED))
  const hooks = new Proxy(Object.create(null), {
    get(_target, key) {
      if (typeof key !== 'string') return undefined
      const made = known.get(key) ?? hooksOf(key, jobs)
      if (made !== undefined) known.set(key, made)
      return made
    },
    has: (_target, key) => typeof key === 'string' && (key in SHARED || key in (jobs ?? {})),
  })
  return hooks as DurablyHooks<Jobs>
}

function hooksOf(key: string, jobs: JobRefs | undefined): object | undefined {
  const name = jobs === undefined ? withDashes(key) : Object(jobs[key]).name
  if (typeof name !== 'string') return undefined
  const ref = { name }
  return {
    useJob: (options?: UseJobOptions) => useJob(ref, options),
    useRun: (runId: string | null, callbacks: Omit<UseJobRunOptions, 'runId'> = {}) =>
      useJobRun({ ...callbacks, runId }),
    useLogs: (runId: string | null, options: Omit<UseJobLogsOptions, 'runId'> = {}) =>
      useJobLogs({ ...options, runId }),
    useRuns: (options?: Omit<RunsOptions, 'jobName'>) => useRuns(ref, options),
    useQuery: (input: unknown, options?: UseQueryOptions) => useQuery(name, input, options),
  }
}

/** As Python names a job after its function: `import_csv` is `import-csv`. */
function withDashes(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
