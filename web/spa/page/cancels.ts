/**
 * What a page does about a cancel that is not answered: the code that it is to stop keeps the worker busy.
 *
 * A Canceller notices that, in any tab. A Stopper, in the tab of the worker, interrupts the code or finds that
 * it hangs for good.
 */

import { InterruptSender } from '../bridge/interrupts'
import type { Unanswered } from '../bridge/protocol'

/** Milliseconds that a worker may take to answer before something is done: most do at once. */
const PATIENCE = 30
/** Between two tries: one that meets the engine at work is not obeyed. */
const INTERVAL = 25

interface Cancel {
  readonly runId: string
  readonly since: number
}

export class Canceller {
  readonly #cancels = new Map<number, Cancel>()
  readonly #press: (unanswered: Unanswered) => void
  #timer: ReturnType<typeof setTimeout> | null = null

  /** *press* is called again and again while a cancel has no answer. */
  constructor(press: (unanswered: Unanswered) => void) {
    this.#press = press
  }

  /** The worker was asked, under *id*, to cancel a run. */
  asked(id: number, runId: string): void {
    this.#cancels.set(id, { runId, since: Date.now() })
    this.#timer ??= setTimeout(() => this.#look(), PATIENCE)
  }

  /** The worker answered what was asked under *id*. */
  answered(id: number): void {
    this.#cancels.delete(id)
    if (this.#cancels.size === 0) this.close()
  }

  close(): void {
    this.#cancels.clear()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #look(): void {
    const cancels = [...this.#cancels.values()]
    this.#timer = setTimeout(() => this.#look(), INTERVAL)
    this.#press({
      runIds: [...new Set(cancels.map(({ runId }) => runId))],
      since: Math.min(...cancels.map(({ since }) => since)),
    })
  }
}

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
