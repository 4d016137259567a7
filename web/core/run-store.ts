/** One run, followed while someone listens. */

import type { DurablyError } from './errors'
import { flagsOf, initialRun, type RunState, reduceRun, SHOWN } from './reduce-run'
import { told } from './told'
import type { Transport, Unsubscribe } from './transport'
import type { ClientRun, RunStatus } from './types'

/**
 * Follows one run while someone listens. Shape fits `useSyncExternalStore`.
 *
 * The first listener opens the only subscription, the last one to leave closes it; what was
 * known stays and is replaced by the next snapshot.
 */
export class RunStore {
  readonly runId: string
  readonly #transport: Transport
  readonly #listeners = new Set<() => void>()
  #state: RunState
  #stop: Unsubscribe | null = null
  #hasEnded = false

  constructor(transport: Transport, runId: string) {
    this.#transport = transport
    this.runId = runId
    this.#state = initialRun(runId)
  }

  readonly getSnapshot = (): RunState => this.#state

  readonly subscribe = (listener: () => void): Unsubscribe => {
    this.#listeners.add(listener)
    if (this.#stop === null) this.#open()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#close()
    }
  }

  /** Take in what another source knows of the run, unless this store already knows more. */
  assume(known: RunStatus | ClientRun): void {
    if (this.#state.status !== null) return
    // A removed run is back: it came with an imported store.
    if (typeof known === 'string') {
      this.#set({ ...this.#state, ...flagsOf(known), isDeleted: false })
    } else this.#set(reduceRun(this.#state, { type: 'snapshot', run: known, logs: [] }))
  }

  /** Follow the run again if its subscription has ended, as after a resume. */
  reopen(): void {
    if (this.#stop === null || !this.#hasEnded) return
    this.#stop()
    this.#open()
  }

  #open(): void {
    this.#hasEnded = false
    this.#stop = this.#transport.subscribe(
      { runId: this.runId, types: SHOWN },
      (message) => this.#set(reduceRun(this.#state, message)),
      (error) => {
        this.#hasEnded = true
        if (error !== null) this.#set(this.#after(error))
      },
    )
  }

  /** A run that was known and is not found is gone: the store was reset, or is another one now. */
  #after(error: DurablyError): RunState {
    const isGone = error.code === 'not_found' && this.#state.status !== null
    if (isGone) return { ...initialRun(this.runId), isDeleted: true }
    return { ...this.#state, subscriptionError: error }
  }

  #close(): void {
    this.#stop?.()
    this.#stop = null
  }

  #set(state: RunState): void {
    if (state === this.#state) return
    this.#state = state
    for (const notify of this.#listeners) told(notify)
  }
}
