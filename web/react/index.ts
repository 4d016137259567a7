/** React 19: one provider and one family of hooks, over any transport. */

export {
  type CreateDurablyOptions,
  createDurably,
  type DurablyHooks,
  type JobHooks,
  type JobRefs,
  type QueryHooks,
} from './create-durably'
export {
  DurablyProvider,
  type DurablyProviderProps,
  type UseDurablyResult,
  useDurably,
} from './durably-provider'
export type { RunResult } from './run-result'
export { type UseJobOptions, type UseJobResult, useJob } from './use-job'
export { type UseQueryOptions, type UseQueryResult, useQuery } from './use-query'
export {
  type UseJobLogsOptions,
  type UseJobLogsResult,
  type UseJobRunOptions,
  useJobLogs,
  useJobRun,
} from './use-run'
export {
  type RunActions,
  type TypedRun,
  type UseRunsResult,
  useRunActions,
  useRuns,
} from './use-runs'
export { type UseSchedulesResult, useSchedules } from './use-schedules'
export { type UseUpdateResult, useUpdate } from './use-update'
export { type UseWaitsResult, useWaits } from './use-waits'
