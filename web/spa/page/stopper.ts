/** What a page can do about code that keeps its worker busy: interrupt it, or find that it hangs for good. */

import { InterruptSender } from '../bridge/interrupts'
import type { Unanswered } from '../bridge/protocol'

/** Milliseconds after which a worker hangs for good, in code that heeds no interrupt. */
const LONGEST_HANG = 2_000
/** The same when nothing says whose code it is that hangs. */
const LONGEST_DOUBT = 10_000

export class Stopper {
  readonly #sender: InterruptSender | null
  readonly #onHang: (runIds: readonly string[]) => void

  /** *onHang* is told of runs whose code nothing stops but the end of the worker. */
  constructor(onHang: (runIds: readonly string[]) => void) {
    // Without isolation a page shares no memory, and the end of the worker is all there is.
    this.#sender = globalThis.crossOriginIsolated ? new InterruptSender() : null
    this.#onHang = onHang
  }

  /** What the worker has to be given, if the page can share memory. */
  get memory(): SharedArrayBuffer | null {
    return this.#sender?.memory ?? null
  }

  /** Stop the code of runs whose cancel waits for its answer. */
  stop({ runIds, since }: Unanswered): void {
    if (this.#hangs(runIds, Date.now() - since)) this.#onHang(runIds)
    else this.#sender?.send(runIds)
  }

  #hangs(runIds: readonly string[], waited: number): boolean {
    if (waited < LONGEST_HANG) return false
    if (!this.#sender) return true
    const running = this.#sender.running(runIds)
    if (running === null) return waited >= LONGEST_DOUBT
    // The step of a run that nobody cancels may take its time.
    return running !== 'another'
  }
}
