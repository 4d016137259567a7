/** Every event of the engine, as it travels. Names and shapes are those of `@coji/durably` 0.15. */

import type { ClientRun, Json, Labels, LogEntry, LogLevel, Progress } from './types'

interface Base {
  /** ISO 8601 UTC text. */
  readonly timestamp: string
  /** Rises by at least one per event of one engine; starts anew with a new engine. */
  readonly sequence: number
}

interface OfRun extends Base {
  readonly runId: string
  readonly jobName: string
  readonly labels: Labels
}

interface OfStep extends OfRun {
  readonly stepName: string
  readonly stepIndex: number
}

export type RunEvent =
  | (OfRun & { readonly type: 'run:trigger'; readonly input: Json })
  | (OfRun & {
      readonly type: 'run:coalesced'
      readonly skippedInput: Json
      readonly skippedLabels: Labels
    })
  | (OfRun & {
      readonly type: 'run:leased'
      readonly input: Json
      readonly leaseOwner: string
      readonly leaseExpiresAt: string
    })
  | (OfRun & {
      readonly type: 'run:lease-renewed'
      readonly leaseOwner: string
      readonly leaseExpiresAt: string
    })
  | (OfRun & { readonly type: 'run:progress'; readonly progress: Progress })
  | (OfRun & { readonly type: 'run:complete'; readonly output: Json; readonly duration: number })
  | (OfRun & {
      readonly type: 'run:fail'
      readonly error: string
      readonly errorType: string | null
      readonly failedStepName: string | null
    })
  | (OfRun & { readonly type: 'run:cancel' })
  | (OfRun & { readonly type: 'run:delete' })
  /** The run went back to pending: a backoff, a drain, a storage fault. */
  | (OfRun & {
      readonly type: 'run:release'
      readonly reason: 'backoff' | 'drain' | 'storage'
      readonly availableAt: string | null
    })
  /** The run gave its slot back and waits for a time, for somebody or for another run. */
  | (OfRun & {
      readonly type: 'run:waiting'
      readonly waitId: string
      readonly waitName: string
      readonly waitingUntil: string | null
    })
  /** What a run waits for, or will, was told. */
  | (OfRun & {
      readonly type: 'wait:resolve'
      readonly waitId: string
      readonly waitName: string
    })
  /** A failed or cancelled run was made pending again, with its saved steps. */
  | (OfRun & { readonly type: 'run:resume' })
  | (OfStep & { readonly type: 'step:start' })
  | (OfStep & { readonly type: 'step:complete'; readonly output: Json; readonly duration: number })
  | (OfStep & { readonly type: 'step:fail'; readonly error: string })
  | (OfStep & { readonly type: 'step:cancel' })
  /** An attempt failed and another follows after `delay` milliseconds. */
  | (OfStep & {
      readonly type: 'step:retry'
      readonly attempt: number
      readonly error: string
      readonly delay: number
    })
  | (OfRun & {
      readonly type: 'log:write'
      readonly id: string
      readonly stepName: string | null
      readonly level: LogLevel
      readonly message: string
      readonly data: Json
    })
  | (Base & {
      readonly type: 'worker:error'
      readonly error: string
      readonly code: string
      readonly context: string
      readonly runId?: string
    })

export type EventType = RunEvent['type']

/** First message of a subscription to one run; a run that does not exist ends it with `not_found`. */
export interface RunSnapshot {
  readonly type: 'snapshot'
  readonly run: ClientRun
  readonly logs: readonly LogEntry[]
  /** Number of the last event that is in it already. */
  readonly sequence?: number
}

/** First message of a subscription to a set of runs: the active ones, newest first. */
export interface RunsSnapshot {
  readonly type: 'snapshot'
  readonly runs: readonly ClientRun[]
  /** Number of the last event that is in it already. */
  readonly sequence?: number
}

export interface RunSubscription {
  readonly runId: string
  /** Only events of these types, and the one that ends the run. All when absent. */
  readonly types?: readonly EventType[]
}

export interface RunsSubscription {
  readonly jobName?: string | readonly string[]
  readonly labels?: Labels
  /** Only events of these types. All when absent. */
  readonly types?: readonly EventType[]
}

/** What follows the runs that *filter* names; a part that it lacks filters nothing. */
export function runsOf(
  filter: {
    readonly jobName?: string | readonly string[] | undefined
    readonly labels?: Labels | undefined
  },
  types: readonly EventType[],
): RunsSubscription {
  const { jobName, labels } = filter
  return { ...(jobName && { jobName }), ...(labels && { labels }), types }
}

export type Subscription = RunSubscription | RunsSubscription

/** What a listener of that subscription is given. */
export type Delivered<S extends Subscription> = S extends RunSubscription
  ? RunSnapshot | RunEvent
  : RunsSnapshot | RunEvent
