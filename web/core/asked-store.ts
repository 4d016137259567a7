/** An answer of the engine, asked for again when the runs that it is about change. */

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

export interface AskedState<Output> {
  /** The newest answer; null before the first. */
  readonly data: Output | null
  /** Why the newest question has no answer. */
  readonly error: DurablyError | null
  /** Whether a question is under way. */
  readonly isFetching: boolean
}

/** Shape fits `useSyncExternalStore`. */
export class AskedStore<Output> {
  readonly #client: DurablyClient
  readonly #ask: (signal: AbortSignal) => Promise<Output>
  readonly #state: Watched<AskedState<Output>>
  readonly #fetching = new Coalesced((signal) => this.#fetch(signal))
  readonly #refetchOn: RefetchOn | undefined
  readonly #changes: readonly EventType[]
  #stopFeed: Unsubscribe | null = null

  /** *before* is shown until there is an answer, such as that to the question before. */
  constructor(
    client: DurablyClient,
    ask: (signal: AbortSignal) => Promise<Output>,
    changes: readonly EventType[],
    refetchOn: RefetchOn | undefined,
    before: Output | null,
  ) {
    this.#client = client
    this.#ask = ask
    this.#changes = changes
    this.#refetchOn = refetchOn
    this.#state = new Watched<AskedState<Output>>(
      { data: before, error: null, isFetching: true },
      { open: () => this.#open(), close: () => this.#close() },
    )
  }

  readonly getSnapshot = (): AskedState<Output> => this.#state.getSnapshot()

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
      ? this.#client.subscribe({ runId, types: this.#changes }, take)
      : this.#client.subscribe(runsOf({ jobName, labels }, this.#changes), take)
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
      const data = await this.#ask(signal)
      if (!signal.aborted) this.#state.set({ data, error: null, isFetching: false })
    } catch (error) {
      if (signal.aborted) return
      this.#state.set({ ...this.getSnapshot(), error: toDurablyError(error), isFetching: false })
    }
  }
}
