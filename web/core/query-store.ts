/** The answer of a `@query` function, asked for again when the runs that it is about change. */

import type { DurablyClient } from './client'
import { Coalesced } from './coalesced'
import { type DurablyError, toDurablyError } from './errors'
import {
  type EventType,
  type RunEvent,
  type RunSnapshot,
  type RunsSnapshot,
  runsOf,
} from './events'
import type { Unsubscribe } from './transport'
import type { Labels } from './types'
import { Watched } from './watched'

/** Runs whose changes make an answer old. */
export interface RefetchOn {
  readonly runId?: string | null | undefined
  readonly jobName?: string | readonly string[] | undefined
  readonly labels?: Labels | undefined
}

export interface QueryState<Output> {
  /** The newest answer; null before the first. */
  readonly data: Output | null
  /** Why the newest question has no answer. */
  readonly error: DurablyError | null
  /** Whether a question is under way. */
  readonly isFetching: boolean
}

const CHANGES: readonly EventType[] = [
  'run:leased',
  'run:release',
  'run:resume',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
  'step:complete',
]

/** Shape fits `useSyncExternalStore`. */
export class QueryStore<Output> {
  readonly #client: DurablyClient
  readonly #name: string
  readonly #state: Watched<QueryState<Output>>
  readonly #fetching = new Coalesced((signal) => this.#fetch(signal))
  readonly #refetchOn: RefetchOn | undefined
  readonly #input: unknown
  #stopFeed: Unsubscribe | null = null

  /** *before* is shown until there is an answer, such as that to the question before. */
  constructor(
    client: DurablyClient,
    name: string,
    input: unknown,
    refetchOn?: RefetchOn,
    before: Output | null = null,
  ) {
    this.#client = client
    this.#name = name
    this.#input = input
    this.#refetchOn = refetchOn
    this.#state = new Watched<QueryState<Output>>(
      { data: before, error: null, isFetching: true },
      { open: () => this.#open(), close: () => this.#close() },
    )
  }

  readonly getSnapshot = (): QueryState<Output> => this.#state.getSnapshot()

  readonly subscribe = (listener: () => void): Unsubscribe => this.#state.subscribe(listener)

  /** Ask again; resolves when the answer is there. */
  readonly refetch = (): Promise<void> => this.#fetching.restart()

  #open(): void {
    void this.#fetching.restart()
    const { runId, jobName, labels } = this.#refetchOn ?? {}
    const isOfRun = typeof runId === 'string'
    if (!isOfRun && jobName === undefined && labels === undefined) return
    let isFirst = true
    const take = (message: RunEvent | RunSnapshot | RunsSnapshot) => {
      // The first snapshot is of now; a later one tells of a new engine.
      if (message.type !== 'snapshot' || !isFirst) this.#fetching.request()
      isFirst = false
    }
    this.#stopFeed = isOfRun
      ? this.#client.subscribe({ runId, types: CHANGES }, take)
      : this.#client.subscribe(runsOf({ jobName, labels }, CHANGES), take)
  }

  #close(): void {
    this.#stopFeed?.()
    this.#stopFeed = null
    this.#fetching.stop()
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const known = this.getSnapshot()
    if (!known.isFetching) this.#state.set({ ...known, isFetching: true })
    try {
      const data = await this.#client.query<Output>(this.#name, this.#input, signal)
      if (!signal.aborted) this.#state.set({ data, error: null, isFetching: false })
    } catch (error) {
      if (signal.aborted) return
      this.#state.set({ ...this.getSnapshot(), error: toDurablyError(error), isFetching: false })
    }
  }
}
