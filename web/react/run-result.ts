/** A run as hooks give it. */

import type { DurablyError, Json, LogEntry, Progress, RunState, RunStatus } from '../core/index'

export interface RunResult<Output = Json> {
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
  /** For a time, for somebody or for another run; `useWaits` says for what. */
  readonly isWaiting: boolean
  readonly isCompleted: boolean
  readonly isFailed: boolean
  readonly isCancelled: boolean
  readonly isTerminal: boolean
  readonly isActive: boolean
  /** Pending, and no job of this name is registered where the engine runs. */
  readonly isParked: boolean
  /** Pending, and not claimed before this ISO time: the run waits out a backoff. */
  readonly availableAt: string | null
  /** Waiting, and goes on at this ISO time at the latest; null without a limit. */
  readonly waitingUntil: string | null
}

export function resultOf<Output>(
  run: Omit<RunState, 'output'> & { readonly output: unknown },
): RunResult<Output> {
  return {
    status: run.status,
    output: run.output as Output | null,
    error: run.error ?? run.subscriptionError?.message ?? null,
    errorType: run.errorType,
    subscriptionError: run.subscriptionError,
    logs: run.logs,
    progress: run.progress,
    isPending: run.isPending,
    isLeased: run.isLeased,
    isWaiting: run.isWaiting,
    isCompleted: run.isCompleted,
    isFailed: run.isFailed,
    isCancelled: run.isCancelled,
    isTerminal: run.isTerminal,
    isActive: run.isActive,
    isParked: run.isParked,
    availableAt: run.availableAt,
    waitingUntil: run.waitingUntil,
  }
}
