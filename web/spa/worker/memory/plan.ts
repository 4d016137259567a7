/** Says when a memory snapshot may be made for the next boot: when the engine has nothing to do. */

import type { RunEvent, RunsSnapshot } from '../../../core/events'
import type { Engine } from '../engine'

/** The plan's own subscription; those of pages count from 1. */
export const PLAN_ID = -1

/** Milliseconds without a running job before a snapshot is begun: it takes a processor for seconds. */
const IDLE = 2_000

/** The page is told, and makes the worker that makes it: Firefox may never return from a worker's own `new Worker`. */
export class SnapshotPlan {
  readonly #engine: Pick<Engine, 'dispatch'>
  readonly #want: (isWanted: boolean) => void
  readonly #busy = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #isWanted = false
  #isOver = false

  constructor(engine: Pick<Engine, 'dispatch'>, want: (isWanted: boolean) => void) {
    this.#engine = engine
    this.#want = want
  }

  start(): void {
    const types = ['run:leased', 'run:complete', 'run:fail', 'run:cancel', 'run:release']
    this.#engine.dispatch('subscribe', PLAN_ID, JSON.stringify({ types }))
  }

  /** Take what the subscription delivers, as text. */
  take(kind: 'answer' | 'events' | 'ended', text: string): void {
    if (kind !== 'events' || this.#isOver) return
    const events: readonly (RunEvent | RunsSnapshot)[] = JSON.parse(text)
    for (const event of events) {
      if (event.type === 'snapshot') {
        for (const { id, status } of event.runs) if (status === 'leased') this.#busy.add(id)
      } else if (event.type === 'run:leased') this.#busy.add(event.runId)
      else if ('runId' in event && event.runId !== undefined) this.#busy.delete(event.runId)
    }
    if (this.#busy.size > 0) this.#pause()
    else if (!this.#isWanted) this.#timer ??= setTimeout(() => this.#begin(), IDLE)
  }

  /** The page wants none any more: there is one, or there cannot be any. */
  end(): void {
    if (this.#isOver) return
    this.stop()
    this.#engine.dispatch('unsubscribe', PLAN_ID, '')
  }

  /** Let none be made: the engine ends. */
  stop(): void {
    this.#isOver = true
    this.#pause()
  }

  #begin(): void {
    this.#timer = null
    this.#isWanted = true
    this.#want(true)
  }

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (!this.#isWanted) return
    this.#isWanted = false
    this.#want(false)
  }
}
