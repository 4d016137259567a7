/** What is known of one run, folded from a snapshot and the events after it. Pure: no clock, no transport. */

import type { DurablyError } from './errors'
import type { RunEvent, RunSnapshot } from './events'
import type { Json, LogEntry, Progress, RunStatus } from './types'

/** Newest log entries that a `RunState` keeps. */
export const MAX_LOGS = 1000

/** One run as a screen shows it. `status` is null until something is known of the run. */
export interface RunState {
  readonly runId: string | null
  readonly status: RunStatus | null
  readonly output: Json
  readonly error: string | null
  /** The Python exception's class name. */
  readonly errorType: string | null
  readonly progress: Progress | null
  /** Oldest first, the newest `MAX_LOGS`. */
  readonly logs: readonly LogEntry[]
  /** Not claimed before this ISO time: the run waits out a backoff. */
  readonly availableAt: string | null
  /** Waiting, and goes on at this ISO time at the latest; null without a limit. */
  readonly waitingUntil: string | null
  /** Pending, and no job of this name is registered where the engine runs. */
  readonly isParked: boolean
  readonly isPending: boolean
  readonly isLeased: boolean
  /** For a time, for somebody or for another run. */
  readonly isWaiting: boolean
  readonly isCompleted: boolean
  readonly isFailed: boolean
  readonly isCancelled: boolean
  /** Completed, failed or cancelled. */
  readonly isTerminal: boolean
  /** Pending, leased or waiting. */
  readonly isActive: boolean
  /** The run was removed from the store; nothing else is known of it any more. */
  readonly isDeleted: boolean
  /** Why the run is no longer followed. What was known before stays. */
  readonly subscriptionError: DurablyError | null
  /** Number of the last event that this state shows. */
  readonly sequence: number
}

/** What follows from a status alone. */
export function flagsOf(status: RunStatus | null) {
  const isCompleted = status === 'completed'
  const isFailed = status === 'failed'
  const isCancelled = status === 'cancelled'
  const isPending = status === 'pending'
  const isLeased = status === 'leased'
  const isWaiting = status === 'waiting'
  return {
    status,
    isPending,
    isLeased,
    isWaiting,
    isCompleted,
    isFailed,
    isCancelled,
    isTerminal: isCompleted || isFailed || isCancelled,
    isActive: isPending || isLeased || isWaiting,
  }
}

/** The state of a run of which nothing is known yet; of no run at all with null. */
export function initialRun(runId: string | null): RunState {
  return {
    runId,
    ...flagsOf(null),
    output: null,
    error: null,
    errorType: null,
    progress: null,
    logs: [],
    availableAt: null,
    waitingUntil: null,
    isParked: false,
    isDeleted: false,
    subscriptionError: null,
    sequence: -1,
  }
}

/**
 * Fold one message into *state*; the same object comes back when nothing changed.
 *
 * A snapshot is the truth and replaces what was known, but for log lines. An event is dropped when it belongs to
 * another run, when its sequence number is not new, or when the run has ended: only
 * `run:resume` leads out of a terminal state, and only late log lines are still taken in.
 */
export function reduceRun(state: RunState, message: RunSnapshot | RunEvent): RunState {
  if (message.type === 'snapshot') {
    return message.run.id === state.runId ? fromSnapshot(state, message) : state
  }
  if (message.runId !== state.runId || message.sequence <= state.sequence || state.isDeleted) {
    return state
  }
  if (state.isTerminal && !OPEN_AFTER_END.has(message.type)) return state
  const changes = changesBy(state, message)
  return changes === null ? state : { ...state, ...changes, sequence: message.sequence }
}

/** The events that a `RunState` shows: a subscription need not ask for more. */
export const SHOWN: readonly RunEvent['type'][] = [
  'run:trigger',
  'run:coalesced',
  'run:leased',
  'run:release',
  'run:waiting',
  'run:resume',
  'run:progress',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
  'log:write',
]

const OPEN_AFTER_END: ReadonlySet<RunEvent['type']> = new Set([
  'run:resume',
  'run:delete',
  'log:write',
])

function fromSnapshot(state: RunState, { run, logs, sequence = -1 }: RunSnapshot): RunState {
  // Lines that were heard stay, also when the engine does not keep logs.
  const kept = new Set(logs.map(({ id }) => id))
  const heard = state.logs.filter(({ id }) => !kept.has(id))
  return {
    ...initialRun(run.id),
    ...flagsOf(run.status),
    output: run.output,
    error: run.error,
    errorType: run.errorType,
    progress: run.progress,
    availableAt: run.availableAt,
    waitingUntil: run.waitingUntil,
    isParked: run.isParked,
    logs: [...heard, ...logs].slice(-MAX_LOGS),
    sequence,
  }
}

/** Return what *event* changes, or null when this state does not show it. */
function changesBy(state: RunState, event: RunEvent): Partial<RunState> | null {
  switch (event.type) {
    case 'run:trigger':
    case 'run:coalesced':
      return state.status === null ? flagsOf('pending') : null
    case 'run:leased':
      return { ...flagsOf('leased'), availableAt: null, waitingUntil: null, isParked: false }
    case 'run:waiting':
      return { ...flagsOf('waiting'), availableAt: null, waitingUntil: event.waitingUntil }
    case 'run:release':
      return { ...flagsOf('pending'), availableAt: event.availableAt }
    case 'run:resume':
      return { ...flagsOf('pending'), output: null, error: null, errorType: null }
    case 'run:progress':
      return { progress: event.progress }
    case 'run:complete':
      return { ...flagsOf('completed'), output: event.output, error: null, errorType: null }
    case 'run:fail':
      return { ...flagsOf('failed'), error: event.error, errorType: event.errorType }
    case 'run:cancel':
      return { ...flagsOf('cancelled'), availableAt: null, waitingUntil: null }
    case 'run:delete':
      return { ...initialRun(state.runId), isDeleted: true }
    case 'log:write':
      return withLog(state, event)
    case 'run:lease-renewed':
    case 'step:start':
    case 'step:complete':
    case 'step:fail':
    case 'step:cancel':
    case 'step:retry':
    case 'wait:resolve':
    case 'worker:error':
      return null
    default:
      // Every event this version knows is handled; one of a newer engine changes nothing here.
      event satisfies never
      return null
  }
}

function withLog(
  { logs }: RunState,
  event: Extract<RunEvent, { readonly type: 'log:write' }>,
): Partial<RunState> | null {
  const { id, runId, stepName, level, message, data, timestamp } = event
  if (logs.some((known) => known.id === id)) return null
  const entry: LogEntry = { id, runId, stepName, level, message, data, createdAt: timestamp }
  return { logs: [...logs.slice(1 - MAX_LOGS), entry] }
}
