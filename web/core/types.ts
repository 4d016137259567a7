/** The words of the wire: what Python's `wire.py` writes and every transport carries. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

export type RunStatus = 'pending' | 'leased' | 'waiting' | 'completed' | 'failed' | 'cancelled'

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
  /** Waiting, and goes on at this time at the latest; null without a limit. */
  readonly waitingUntil: string | null
  /** The run whose job called this one. */
  readonly parentId: string | null
  readonly isTerminal: boolean
  readonly isActive: boolean
  /** For a time, for somebody or for another run: it takes no slot. */
  readonly isWaiting: boolean
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

/** What a run waits for, or has waited for. Times are ISO 8601 UTC text. */
export interface Wait {
  readonly id: string
  readonly runId: string
  /** As unique in its run as a step's. */
  readonly name: string
  /** A time, somebody, or a run that this one called. */
  readonly kind: 'timer' | 'signal' | 'run'
  /** Pending ones are `cancelled` or `closed` by the end of their run. */
  readonly status: 'pending' | 'resolved' | 'cancelled' | 'closed'
  readonly outcome: 'signal' | 'timeout' | 'ended' | null
  /** What the job says to those who are to answer. */
  readonly metadata: Json
  /** What `send` names to reach it. */
  readonly topic: string | null
  readonly key: string | null
  /** The run that is waited for. */
  readonly childId: string | null
  /** What it was told. */
  readonly payload: Json
  readonly signalId: string | null
  readonly createdAt: string
  readonly deadlineAt: string | null
  /** When its run gave its slot back for it. */
  readonly suspendedAt: string | null
  readonly resolvedAt: string | null
  readonly firstResumedAt: string | null
  /** How long the run stood still for it. */
  readonly inputWaitMs: number | null
  /** How long the run then waited for a worker. */
  readonly executionSlotWaitMs: number | null
}

/** When a job runs by itself. Times are ISO 8601 UTC text. */
export interface Schedule {
  readonly name: string
  readonly jobName: string
  /** What the schedule says. */
  readonly spec: string
  readonly nextAt: string | null
  /** The slot that was met last. */
  readonly lastAt: string | null
  readonly isPaused: boolean
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
  /** ISO 8601 time at which the run is to begin; it is waiting until then. */
  readonly runAt?: string
  /** Milliseconds after which the run is to begin. */
  readonly delay?: number
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
