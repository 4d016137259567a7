/** Port 3: how a client reaches the engine. One entry per operation that Python's `api.py` answers. */

import type { Connection } from './connection'
import type { DurablyError } from './errors'
import type { Delivered, Subscription } from './events'
import type { StoreArchive } from './store-archive'
import type {
  BlobRef,
  ClientRun,
  Disposition,
  Json,
  LogEntry,
  RunFilter,
  Schedule,
  StepAttempt,
  StepRecord,
  TriggerOptions,
  Wait,
} from './types'
import type { Watchable } from './watched'

export interface TriggerParams extends TriggerOptions {
  readonly jobName: string
  readonly input: Json
  /** The run's ULID, made by the client, so that a repeated call is the same run. */
  readonly runId?: string
}

export interface TriggerAnswer {
  readonly runId: string
  readonly disposition: Disposition
}

export interface SignalParams {
  readonly waitId: string
  readonly payload: Json
  /** Made by the client, so that a repeated call is the same signal. */
  readonly signalId: string
}

export interface SignalAnswer {
  readonly wait: Wait
  /** `duplicate` when this very signal was accepted before. */
  readonly disposition: 'accepted' | 'duplicate'
}

export interface SendParams {
  readonly topic: string
  readonly payload: Json
  readonly key?: string
  /** Made by the client, so that a repeated call is the same message. */
  readonly messageId: string
  /** Milliseconds for which it is kept until somebody waits for it. Default: a day. */
  readonly keep?: number
}

export interface SendAnswer {
  readonly messageId: string
  /** The wait that took it; null while it is kept for one. */
  readonly wait: Wait | null
  readonly disposition: 'accepted' | 'duplicate'
}

export interface JobInfo {
  readonly name: string
  /** JSON Schema of the job's input. */
  readonly input: Json
  /** JSON Schema of the job's output. */
  readonly output: Json
}

/** Space of the whole site, as the browser tells it. */
export interface StorageFigures {
  /** Bytes in use; null when the browser does not tell. */
  readonly usage: number | null
  /** Bytes that may be used in all; null when the browser does not tell. */
  readonly quota: number | null
  /** Whether the browser keeps the site's data until the user removes it. */
  readonly persisted: boolean
  /**
   * Given when the browser has removed the store with all runs in it since this time (ISO 8601), when it was last there. Only
   * until the engine starts again, and only where the browser leaves a trace: Chromium does, Firefox does not.
   */
  readonly lostSince?: string
}

export interface Health {
  /** `ok`, or `degraded` while the engine waits out a fault that it reports in `fault`. */
  readonly state: 'ok' | 'degraded' | 'stopped'
  readonly fault: { readonly code: string; readonly message: string; readonly since: string } | null
  readonly workerId: string
  readonly activeRuns: readonly string[]
  /** Names of jobs that have pending runs and are not registered here. */
  readonly parkedJobs: readonly string[]
  /** Given where the store lies on the user's device. */
  readonly storage?: StorageFigures
}

export interface Operations {
  trigger: { params: TriggerParams; result: TriggerAnswer }
  batchTrigger: {
    params: { readonly runs: readonly TriggerParams[] }
    result: readonly TriggerAnswer[]
  }
  getRun: { params: { readonly runId: string }; result: ClientRun | null }
  getRuns: { params: RunFilter; result: readonly ClientRun[] }
  getSteps: { params: { readonly runId: string }; result: readonly StepRecord[] }
  getStepAttempts: {
    params: { readonly runId: string }
    result: readonly StepAttempt[]
  }
  getLogs: { params: { readonly runId: string }; result: readonly LogEntry[] }
  getWait: { params: { readonly waitId: string }; result: Wait | null }
  getWaits: { params: { readonly runId: string }; result: readonly Wait[] }
  signal: { params: SignalParams; result: SignalAnswer }
  send: { params: SendParams; result: SendAnswer }
  cancel: { params: { readonly runId: string }; result: null }
  retrigger: {
    params: { readonly runId: string; readonly newRunId?: string }
    result: { readonly runId: string }
  }
  resume: { params: { readonly runId: string }; result: null }
  deleteRun: { params: { readonly runId: string }; result: null }
  purgeRuns: {
    params: { readonly olderThan: string; readonly limit?: number }
    result: { readonly count: number }
  }
  /** Calls a function that the app registered with `@query`: a plain read, not a run. */
  query: { params: { readonly name: string; readonly input: Json }; result: Json }
  schedules: { params: Record<string, never>; result: readonly Schedule[] }
  pauseSchedule: { params: { readonly name: string }; result: null }
  resumeSchedule: { params: { readonly name: string }; result: null }
  triggerSchedule: {
    params: { readonly name: string; readonly runId: string }
    result: TriggerAnswer
  }
  jobs: { params: Record<string, never>; result: readonly JobInfo[] }
  health: { params: Record<string, never>; result: Health }
}

export type Operation = keyof Operations

export type Unsubscribe = () => void

export interface Transport {
  /** How the engine is reached, where that changes. */
  readonly connection?: Watchable<Connection>

  /** Ask the engine. Rejects with a `DurablyError`; after `signal` aborts, with code `aborted`. */
  call<Op extends Operation>(
    op: Op,
    params: Operations[Op]['params'],
    signal?: AbortSignal,
  ): Promise<Operations[Op]['result']>

  /**
   * Deliver a snapshot, then events in `sequence` order; `onEnd` is called once if it ends by itself.
   *
   * Nothing is delivered before `subscribe` has returned, nor after the returned function was
   * called or `onEnd` was. After a change of engine a new snapshot comes first again.
   */
  subscribe<S extends Subscription>(
    subscription: S,
    listener: (message: Delivered<S>) => void,
    onEnd?: (error: DurablyError | null) => void,
  ): Unsubscribe

  /** Keep *file* beside the runs before a job is told of it; the same bytes are kept once. */
  putBlob(file: Blob, name?: string): Promise<BlobRef>

  /** Return the bytes of a kept file; `not_found` when it is gone. */
  readBlob(sha256: string): Promise<Blob>

  /** Absent where the store is not the user's own. */
  readonly archive?: StoreArchive

  /** Let go of the engine: calls are refused and open subscriptions end, both with code `closed`. */
  close(): Promise<void>
}
