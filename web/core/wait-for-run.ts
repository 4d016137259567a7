/** Wait for the end of one run. */

import { DurablyError } from './errors'
import { initialRun, type RunState, reduceRun, SHOWN } from './reduce-run'
import { told } from './told'
import type { Transport } from './transport'
import type { LogEntry, Progress } from './types'

/** The most milliseconds that a browser's timer can wait. One that is given more fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

export interface WaitOptions {
  /** Milliseconds to wait; for ever when absent or more than 2,147,483,647. The run itself goes on. */
  readonly timeout?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Called once for each log line, those written before the call included. */
  readonly onLog?: ((entry: LogEntry) => void) | undefined
}

/**
 * Resolve with the state of a completed run.
 *
 * Rejects with `run_failed`, `run_cancelled`, `not_found` (also when the run is deleted
 * meanwhile), `wait_timeout`, `aborted`, `validation` for a timeout that is none, or with what
 * ended the subscription.
 */
export function waitForRun(
  transport: Transport,
  runId: string,
  options: WaitOptions = {},
): Promise<RunState> {
  const { timeout, signal } = options
  return new Promise((resolve, reject) => {
    checkTimeout(timeout)
    let state = initialRun(runId)
    const end = new AbortController()
    const settle = (outcome: RunState | DurablyError): void => {
      end.abort()
      if (outcome instanceof Error) reject(outcome)
      else resolve(outcome)
    }
    const onAbort = (): void => settle(waitEnded('aborted', runId, signal?.reason))
    if (signal?.aborted) {
      onAbort()
      return
    }
    signal?.addEventListener('abort', onAbort, { signal: end.signal })
    const timer =
      timeout === undefined || timeout > LONGEST_TIMER
        ? undefined
        : setTimeout(() => settle(waitEnded('wait_timeout', runId)), timeout)
    const stop = transport.subscribe(
      { runId, types: SHOWN },
      (message) => {
        const before = state
        state = reduceRun(before, message)
        const outcome = outcomeOf(state)
        if (outcome !== null) settle(outcome)
        // Heard before the outcome all the same: whoever awaits that goes on in a later microtask.
        report(before, state, options)
      },
      (error) => settle(error ?? waitEnded('closed', runId)),
    )
    end.signal.addEventListener('abort', () => {
      clearTimeout(timer)
      stop()
    })
  })
}

/** Refuse a *timeout* that is not a time to wait. */
export function checkTimeout(timeout: WaitOptions['timeout']): void {
  if (timeout === undefined || timeout >= 0) return
  const message = `must be 0 milliseconds or more, not ${timeout}`
  const problems = [{ path: ['timeout'], message }]
  throw new DurablyError('validation', `timeout ${message}`, { problems })
}

function report(before: RunState, after: RunState, { onProgress, onLog }: WaitOptions): void {
  const { progress } = after
  if (progress !== null && progress !== before.progress) told(onProgress, progress)
  if (onLog === undefined || after.logs === before.logs) return
  const seen = new Set(before.logs.map((entry) => entry.id))
  for (const entry of after.logs) if (!seen.has(entry.id)) told(onLog, entry)
}

function outcomeOf(state: RunState): RunState | DurablyError | null {
  const { runId, status } = state
  if (state.isDeleted) return new DurablyError('not_found', `run ${runId} was deleted`)
  switch (status) {
    case 'completed':
      return state
    case 'failed':
      return new DurablyError('run_failed', `run ${runId} failed: ${state.error}`)
    case 'cancelled':
      return new DurablyError('run_cancelled', `run ${runId} was cancelled`)
    default:
      return null
  }
}

function waitEnded(
  code: 'aborted' | 'closed' | 'wait_timeout',
  runId: string,
  cause?: unknown,
): DurablyError {
  const why = {
    aborted: 'was aborted',
    closed: 'ended because the client was closed',
    wait_timeout: 'took longer than its timeout; the run goes on',
  }[code]
  return new DurablyError(code, `waiting for run ${runId} ${why}`, { cause })
}
