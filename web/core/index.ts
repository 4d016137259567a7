/** The client without React: for any framework, or none. */

export { type AskedState, AskedStore, type RefetchOn } from './asked-store'
export {
  type BatchItem,
  type ClientTriggerOptions,
  type ClientWaitOptions,
  type Completed,
  DurablyClient,
  type SendOptions,
} from './client'
export type { Boot, BootProgress, Connection, Role } from './connection'
export {
  type ClientErrorCode,
  DurablyError,
  type EngineErrorCode,
  type ErrorCode,
  type ErrorPayload,
  type FieldProblem,
} from './errors'
export type {
  Delivered,
  EventType,
  RunEvent,
  RunSnapshot,
  RunSubscription,
  RunsSnapshot,
  RunsSubscription,
  Subscription,
} from './events'
export {
  defineJobRef,
  defineQueryRef,
  type JobRef,
  type QueryRef,
  type TriggerInput,
} from './job-ref'
export { type JobState, JobStore, type JobStoreOptions } from './job-store'
export { type QueryState, QueryStore } from './query-store'
export { initialRun, MAX_LOGS, type RunState } from './reduce-run'
export { RunStore } from './run-store'
export { type RunsOptions, type RunsState, RunsStore } from './runs-store'
export { type EngineStatus, StatusStore } from './status-store'
export type { StoreArchive } from './store-archive'
export type {
  Health,
  JobInfo,
  Operation,
  Operations,
  SendAnswer,
  SendParams,
  SignalAnswer,
  SignalParams,
  StorageFigures,
  Transport,
  TriggerAnswer,
  TriggerParams,
  Unsubscribe,
} from './transport'
export type {
  BlobRef,
  ClientRun,
  Disposition,
  Json,
  Labels,
  LogEntry,
  LogLevel,
  Progress,
  RunFilter,
  RunStatus,
  Schedule,
  StepAttempt,
  StepRecord,
  TriggerOptions,
  Wait,
} from './types'
export type { WaitOptions } from './wait-for-run'
export { WaitsStore } from './waits-store'
export { type Watchable, Watched } from './watched'
