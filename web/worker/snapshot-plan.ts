/** Makes a memory snapshot for the next boot, when the engine has nothing to do. */

import type { RunEvent, RunsSnapshot } from '../core/events'
import type { Engine } from './engine'
import { notMade } from './not-made'
import type { FromWorker, SnapshotNotice, ToWorker } from './protocol'

/** The plan's own subscription; those of pages count from 1. */
export const PLAN_ID = -1

/** Milliseconds without a running job before a snapshot is begun: it takes a processor for seconds. */
const IDLE = 2_000
/** Milliseconds after which a worker that has said nothing is taken to hang: it takes some seconds. */
const LONGEST = 60_000
const MOST_TRIES = 2

/**
 * A worker beside the engine's does it, and is ended at once when a run begins: the user's work comes first.
 *
 * Python cannot be copied as it is: it holds a database and a loop. A second one in this thread would
 * keep the engine from answering for a second, and its memory would stay.
 */
export class SnapshotPlan {
  readonly #engine: Pick<Engine, 'dispatch'>
  readonly #manifestUrl: string
  readonly #tell: (notice: SnapshotNotice) => void
  readonly #busy = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #worker: Worker | null = null
  #patience: ReturnType<typeof setTimeout> | null = null
  #silences = 0
  #isTold = false
  #isOver = false

  constructor(
    engine: Pick<Engine, 'dispatch'>,
    manifestUrl: string,
    tell: (notice: SnapshotNotice) => void,
  ) {
    this.#engine = engine
    this.#manifestUrl = manifestUrl
    this.#tell = tell
  }

  start(): void {
    // Safari before 15.5: its workers have none of their own.
    if (typeof Worker === 'undefined') {
      this.#isOver = true
      this.#tell({ state: 'refused', error: notMade('this browser has no worker in a worker') })
      return
    }
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
    this.#look()
  }

  /** Make none: the engine ends. */
  stop(): void {
    this.#isOver = true
    this.#pause()
  }

  #look(): void {
    if (this.#busy.size > 0) {
      if (this.#isTold) this.#end()
      else this.#pause()
    } else if (!this.#worker) this.#timer ??= setTimeout(() => this.#make(), IDLE)
  }

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#patience !== null) clearTimeout(this.#patience)
    this.#timer = null
    this.#patience = null
    this.#worker?.terminate()
    this.#worker = null
  }

  #make(): void {
    this.#timer = null
    // The script that this worker runs: it knows how to be the other one, too.
    const worker = new Worker(self.location.href, { type: 'module', name: 'durably-snapshot' })
    this.#worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === 'snapshot') this.#told(data.notice)
      else if (data.kind === 'rehearsed') this.#end()
    })
    worker.addEventListener('error', ({ message }) => {
      this.#told({ state: 'refused', error: notMade(message) })
      this.#end()
    })
    const order: ToWorker = { kind: 'make-snapshot', manifestUrl: this.#manifestUrl }
    worker.postMessage(order)
    this.#patience = setTimeout(() => this.#silent(), LONGEST)
  }

  #silent(): void {
    this.#silences += 1
    this.#pause()
    if (this.#isTold || this.#silences === MOST_TRIES) {
      this.#told({ state: 'refused', error: notMade('what makes it does not answer') })
      this.#end()
    } else this.#look()
  }

  /** Pass on what came of it, once; its worker goes on, as it may rehearse. */
  #told(notice: SnapshotNotice): void {
    if (this.#isOver || this.#isTold) return
    this.#isTold = true
    this.#tell(notice)
  }

  #end(): void {
    if (this.#isOver) return
    this.stop()
    this.#engine.dispatch('unsubscribe', PLAN_ID, '')
  }
}
