/** A page of runs, kept true while someone looks at it. */

import type { DurablyClient } from './client'
import { Coalesced } from './coalesced'
import { DurablyError, toDurablyError } from './errors'
import { type RunEvent, type RunsSnapshot, runsOf } from './events'
import { CHANGES, PATCHES, patchOf } from './run-changes'
import type { Unsubscribe } from './transport'
import type { ClientRun, RunFilter } from './types'
import { Watched } from './watched'

export interface RunsOptions extends Omit<RunFilter, 'limit' | 'offset'> {
  /** Runs on a page, 1 to 999. Default: 10. */
  readonly pageSize?: number | undefined
  /** Whether the page changes by itself when its runs do. Default: true. */
  readonly realtime?: boolean | undefined
}

export interface RunsState {
  /** Newest first. */
  readonly runs: readonly ClientRun[]
  /** From 0. */
  readonly page: number
  /** Whether there is a page after this one. */
  readonly hasMore: boolean
  /** Whether the page that is wanted is not there yet; the one before it stays until then. */
  readonly isLoading: boolean
  /** Why the runs could not be had; null after the next that can. */
  readonly error: DurablyError | null
}

const MOST_ON_A_PAGE = 999

/** Shape fits `useSyncExternalStore`. */
export class RunsStore {
  readonly #client: DurablyClient
  readonly #filter: RunFilter
  readonly #pageSize: number
  readonly #realtime: boolean
  readonly #state = new Watched<RunsState>(
    { runs: [], page: 0, hasMore: false, isLoading: true, error: null },
    { open: () => this.#open(), close: () => this.#close() },
  )
  readonly #fetching = new Coalesced((signal) => this.#fetch(signal))
  #page = 0
  #stopFeed: Unsubscribe | null = null
  #hasFeed = false

  constructor(
    client: DurablyClient,
    { pageSize = 10, realtime = true, ...filter }: RunsOptions = {},
  ) {
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MOST_ON_A_PAGE) {
      const message = `pageSize must be a whole number from 1 to ${MOST_ON_A_PAGE}, not ${pageSize}`
      throw new DurablyError('validation', message)
    }
    this.#client = client
    this.#filter = filter
    this.#pageSize = pageSize
    this.#realtime = realtime
  }

  readonly getSnapshot = (): RunsState => this.#state.getSnapshot()

  readonly subscribe = (listener: () => void): Unsubscribe => this.#state.subscribe(listener)

  readonly nextPage = (): void => {
    if (this.getSnapshot().hasMore) this.goToPage(this.#page + 1)
  }

  readonly prevPage = (): void => this.goToPage(this.#page - 1)

  /** Show page *page*; one below 0 is 0. */
  readonly goToPage = (page: number): void => {
    const wanted = Math.max(0, Math.trunc(page) || 0)
    if (wanted === this.#page) return
    this.#page = wanted
    void this.refresh()
  }

  /** Ask for the page anew; resolves when it is there. */
  readonly refresh = async (): Promise<void> => {
    this.#change({ isLoading: true })
    await this.#fetching.restart()
  }

  #open(): void {
    void this.#fetching.restart()
    if (!this.#realtime) return
    this.#hasFeed = false
    this.#stopFeed = this.#client.subscribe(
      runsOf(this.#filter, [...CHANGES, ...PATCHES]),
      this.#take,
      (error) => {
        if (error) this.#change({ error })
      },
    )
  }

  #close(): void {
    this.#stopFeed?.()
    this.#stopFeed = null
    this.#fetching.stop()
  }

  readonly #take = (message: RunsSnapshot | RunEvent): void => {
    if (message.type === 'snapshot') {
      // A later one tells of a new engine, or of another store: much may have happened unheard.
      if (this.#hasFeed) this.#fetching.request()
      this.#hasFeed = true
      return
    }
    const patch = patchOf(message)
    if (patch !== null) this.#patch(patch.runId, patch.changes)
    else if (CHANGES.includes(message.type)) this.#fetching.request()
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const page = this.#page
    const offset = page * this.#pageSize
    // One more than is shown: it tells whether there is another page.
    const filter = { ...this.#filter, limit: this.#pageSize + 1, offset }
    try {
      const found = await this.#client.getRuns(filter)
      if (signal.aborted) return
      const runs = found.slice(0, this.#pageSize)
      const hasMore = found.length > this.#pageSize
      this.#state.set({ runs, page, hasMore, isLoading: false, error: null })
    } catch (error) {
      if (!signal.aborted) this.#change({ isLoading: false, error: toDurablyError(error) })
    }
  }

  #patch(runId: string, changes: Partial<ClientRun>): void {
    const { runs } = this.getSnapshot()
    if (!runs.some(({ id }) => id === runId)) return
    this.#change({ runs: runs.map((run) => (run.id === runId ? { ...run, ...changes } : run)) })
  }

  #change(changes: Partial<RunsState>): void {
    this.#state.set({ ...this.getSnapshot(), ...changes })
  }
}
