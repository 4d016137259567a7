/** A list of any length: pages of runs, loaded where someone looks and kept true there. */

import { Coalesced } from '../../core/coalesced'
import { toDurablyError } from '../../core/errors'
import { runsOf } from '../../core/events'
import type {
  ClientRun,
  DurablyClient,
  DurablyError,
  RunEvent,
  RunFilter,
  RunsSnapshot,
  Unsubscribe,
} from '../../core/index'
import { CHANGES, PATCHES, patchOf } from '../../core/run-changes'
import { type Watchable, Watched } from '../../core/watched'
import { countRuns } from './count-runs'

export type ChosenRuns = Omit<RunFilter, 'limit' | 'offset'>

export interface RunPagesState {
  /** As many as are known of; all of them once `isCounted`. */
  readonly count: number
  readonly isCounted: boolean
  /** By their number from 0. */
  readonly pages: ReadonlyMap<number, readonly ClientRun[]>
  readonly error: DurablyError | null
}

export const PAGE_SIZE = 100

/** Pages that are kept although nobody looks at them. */
const MOST_KEPT = 20

/** Milliseconds in which changes are gathered: a busy engine has hundreds in a second. */
const PAUSE = 200

/** Shape fits `useSyncExternalStore`. */
export class RunPages implements Watchable<RunPagesState> {
  readonly #client: DurablyClient
  readonly #filter: ChosenRuns
  readonly #state = new Watched<RunPagesState>(
    { count: 0, isCounted: false, pages: new Map(), error: null },
    { open: () => this.#open(), close: () => this.#close() },
  )
  readonly #loading = new Coalesced((signal) => this.#load(signal), 0)
  readonly #counting = new Coalesced((signal) => this.#count(signal), PAUSE)
  #wanted: readonly [first: number, last: number] = [0, 0]
  #stale = new Set<number>()
  #patches = new Map<string, Partial<ClientRun>>()
  #isChanged = false
  #timer: ReturnType<typeof setTimeout> | null = null
  #stopFeed: Unsubscribe | null = null
  #hasFeed = false

  constructor(client: DurablyClient, filter: ChosenRuns = {}) {
    this.#client = client
    this.#filter = filter
  }

  readonly getSnapshot = (): RunPagesState => this.#state.getSnapshot()

  readonly subscribe = (listener: () => void): Unsubscribe => this.#state.subscribe(listener)

  /** Say which rows are looked at, counted from 0. */
  readonly show = (first: number, last: number): void => {
    this.#wanted = [Math.floor(first / PAGE_SIZE), Math.floor(Math.max(first, last) / PAGE_SIZE)]
    if (this.#state.isWatched && this.#next() !== null) this.#loading.request()
  }

  /** Ask anew for what is looked at, and for how many there are. */
  readonly refresh = (): void => {
    this.#stale = new Set(this.getSnapshot().pages.keys())
    this.#loading.request()
    this.#counting.request()
  }

  #open(): void {
    this.#hasFeed = false
    this.refresh()
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
    this.#loading.stop()
    this.#counting.stop()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  readonly #take = (message: RunsSnapshot | RunEvent): void => {
    if (message.type === 'snapshot') {
      // A later one tells of a new engine, or of another store.
      this.#isChanged ||= this.#hasFeed
      this.#hasFeed = true
      if (!this.#isChanged) return
    } else {
      const patch = patchOf(message)
      if (patch !== null) this.#patch(patch.runId, patch.changes)
      else this.#isChanged = true
    }
    this.#timer ??= setTimeout(this.#gathered, PAUSE)
  }

  #patch(runId: string, changes: Partial<ClientRun>): void {
    this.#patches.set(runId, { ...this.#patches.get(runId), ...changes })
  }

  readonly #gathered = (): void => {
    this.#timer = null
    const patches = this.#patches
    this.#patches = new Map()
    if (patches.size > 0) this.#change({ pages: patched(this.getSnapshot().pages, patches) })
    if (this.#isChanged) this.refresh()
    this.#isChanged = false
  }

  /** The page that is looked at and not there, or not as it is now. */
  #next(): number | null {
    const { pages, count, isCounted } = this.getSnapshot()
    for (let page = this.#wanted[0]; page <= this.#wanted[1]; page += 1) {
      if (isCounted && page > 0 && page * PAGE_SIZE >= count) return null
      if (!pages.has(page) || this.#stale.has(page)) return page
    }
    return null
  }

  async #load(signal: AbortSignal): Promise<void> {
    // What is looked at may change meanwhile: pages that were scrolled past are never asked for.
    for (let page = this.#next(); page !== null && !signal.aborted; page = this.#next()) {
      this.#stale.delete(page)
      try {
        const part = { limit: PAGE_SIZE, offset: page * PAGE_SIZE }
        const runs = await this.#client.getRuns({ ...this.#filter, ...part })
        if (signal.aborted) return
        this.#put(page, runs)
      } catch (error) {
        if (!signal.aborted) this.#change({ error: toDurablyError(error) })
        return
      }
    }
  }

  #put(page: number, runs: readonly ClientRun[]): void {
    const { count, isCounted, pages } = this.getSnapshot()
    const seen = page * PAGE_SIZE + runs.length
    const isLast = runs.length < PAGE_SIZE && (runs.length > 0 || page === 0)
    const kept = [...pages].filter(([number]) => !this.#stale.has(number) || this.#isWanted(number))
    this.#change({
      pages: new Map([...kept.slice(-MOST_KEPT), [page, runs]]),
      count: isLast ? seen : Math.max(count, seen),
      isCounted: isCounted || isLast,
      error: null,
    })
  }

  #isWanted(page: number): boolean {
    return page >= this.#wanted[0] && page <= this.#wanted[1]
  }

  async #count(signal: AbortSignal): Promise<void> {
    const isRunAt = async (offset: number) =>
      !signal.aborted &&
      (await this.#client.getRuns({ ...this.#filter, limit: 1, offset })).length > 0
    try {
      const guess = this.getSnapshot().isCounted ? this.getSnapshot().count : 0
      const count = await countRuns(isRunAt, guess)
      if (!signal.aborted) this.#change({ count, isCounted: true })
    } catch (error) {
      if (!signal.aborted) this.#change({ error: toDurablyError(error) })
    }
  }

  #change(changes: Partial<RunPagesState>): void {
    this.#state.set({ ...this.getSnapshot(), ...changes })
  }
}

function patched(
  pages: RunPagesState['pages'],
  patches: ReadonlyMap<string, Partial<ClientRun>>,
): RunPagesState['pages'] {
  const changed = new Map(pages)
  for (const [number, runs] of pages) {
    if (!runs.some(({ id }) => patches.has(id))) continue
    changed.set(
      number,
      runs.map((run) => ({ ...run, ...patches.get(run.id) })),
    )
  }
  return changed
}
