/** The words of the wire: what Python's `wire.py` writes and every transport carries. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

export type RunStatus = 'pending' | 'leased' | 'completed' | 'failed' | 'cancelled'

export type Disposition = 'created' | 'idempotent' | 'coalesced'

export type Labels = Readonly<Record<string, string>>

export interface Progress {
  readonly current: number
  readonly total?: number
  readonly message?: string
}

/** A run as a client may see it: without keys and lease fields. Times are ISO 8601 UTC text. */
export interface ClientRun {
  readonly id: string
  readonly jobName: string
  readonly input: Json
  readonly status: RunStatus
  readonly currentStepIndex: number
  readonly completedStepCount: number
  readonly progress: Progress | null
  readonly output: Json
  readonly error: string | null
  readonly errorType: string | null
  readonly errorTrace: string | null
  readonly labels: Labels
  readonly startedAt: string | null
  readonly completedAt: string | null
  readonly createdAt: string
  /** Not claimed before this time: the run waits out a backoff. */
  readonly availableAt: string | null
  readonly isTerminal: boolean
  readonly isActive: boolean
  /** Pending, and no job of this name is registered where the engine runs. */
  readonly isParked: boolean
  /** What a list left out because it is large; `getRun` has it. */
  readonly omitted?: readonly ('input' | 'output')[]
}

export interface StepRecord {
  readonly id: string
  readonly runId: string
  readonly name: string
  readonly index: number
  readonly status: 'completed' | 'failed' | 'cancelled'
  readonly output: Json
  readonly error: string | null
  readonly errorType: string | null
  readonly errorTrace: string | null
  readonly startedAt: string
  readonly completedAt: string | null
}

/** One try of a step that has a retry or a timeout. */
export interface StepAttempt {
  readonly id: string
  readonly runId: string
  readonly stepName: string
  /** Counts from 1. */
  readonly number: number
  readonly status: 'running' | 'completed' | 'failed' | 'timed_out' | 'cancelled'
  readonly error: string | null
  readonly startedAt: string
  readonly completedAt: string | null
  /** When the next attempt is due, if one is. */
  readonly retryAt: string | null
}

export type LogLevel = 'info' | 'warn' | 'error'

export interface LogEntry {
  readonly id: string
  readonly runId: string
  readonly stepName: string | null
  readonly level: LogLevel
  readonly message: string
  readonly data: Json
  readonly createdAt: string
}

/** Selects runs. Every given field must match; an empty list does not filter. */
export interface RunFilter {
  readonly jobName?: string | readonly string[]
  readonly status?: RunStatus | readonly RunStatus[]
  readonly labels?: Labels
  /** 1 to 1000. */
  readonly limit?: number
  readonly offset?: number
}

export interface TriggerOptions {
  readonly idempotencyKey?: string
  readonly concurrencyKey?: string
  readonly labels?: Labels
  readonly coalesce?: 'skip'
}

/** A file kept beside the runs, named by its content. Give it to a job as part of its input. */
export interface BlobRef {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string
  /** Bytes. */
  readonly size: number
  readonly name: string
  readonly mediaType: string
}
