/** The page's part in a memory snapshot: the life of the worker that makes it. */

import { notMade } from '../bridge/failure'
import type { FromWorker, SnapshotNotice, ToWorker } from '../bridge/protocol'

/** Milliseconds after which a worker that has not finished is taken to hang: it takes some seconds. */
const LONGEST = 60_000
const MOST_TRIES = 2

export interface SnapshotListener {
  /** Told once what came of it. */
  snapshot(notice: SnapshotNotice): void
  /** Nothing is to be made any more. */
  over(): void
}

/**
 * A worker beside the engine's does it, and is ended at once when a run begins: the user's work comes first.
 *
 * Python cannot be copied as it is: it holds a database and a loop. A second one in the engine's thread would
 * keep it from answering for a second, and its memory would stay.
 */
export class SnapshotMaker {
  readonly #makeWorker: () => Worker
  readonly #manifestUrl: string
  readonly #listener: SnapshotListener
  #worker: Worker | null = null
  #patience: ReturnType<typeof setTimeout> | null = null
  #tries = 0
  #isTold = false
  #isOver = false

  constructor(makeWorker: () => Worker, manifestUrl: string, listener: SnapshotListener) {
    this.#makeWorker = makeWorker
    this.#manifestUrl = manifestUrl
    this.#listener = listener
  }

  /** Make one: the engine has nothing to do. */
  begin(): void {
    if (this.#isOver || this.#worker) return
    try {
      this.#order(this.#makeWorker())
    } catch (error) {
      this.#refuse(`the browser makes no worker: ${error}`)
    }
  }

  /** Give way to a run. What is not yet made is begun anew later; a rehearsal is not made up for. */
  pause(): void {
    if (this.#isTold) this.#end()
    else this.close()
  }

  /** Make none for now. */
  close(): void {
    if (this.#patience !== null) clearTimeout(this.#patience)
    this.#patience = null
    this.#worker?.terminate()
    this.#worker = null
  }

  #order(worker: Worker): void {
    this.#worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
      if (worker !== this.#worker) return
      if (data.kind === 'snapshot') this.#tell(data.notice)
      else if (data.kind === 'rehearsed') this.#end()
    })
    worker.addEventListener('error', ({ message }) => {
      if (worker === this.#worker) this.#refuse(message || 'what makes it did not start')
    })
    const order: ToWorker = { kind: 'make-snapshot', manifestUrl: this.#manifestUrl }
    worker.postMessage(order)
    this.#patience = setTimeout(() => this.#silent(), LONGEST)
  }

  #silent(): void {
    this.#tries += 1
    if (this.#isTold) this.#end()
    else if (this.#tries === MOST_TRIES) this.#refuse('what makes it does not answer')
    else {
      this.close()
      this.begin()
    }
  }

  #refuse(reason: string): void {
    this.#tell({ state: 'refused', error: notMade(reason) })
    this.#end()
  }

  /** Pass on what came of it, once; its worker goes on, as it may rehearse. */
  #tell(notice: SnapshotNotice): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#listener.snapshot(notice)
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.close()
    this.#listener.over()
  }
}
