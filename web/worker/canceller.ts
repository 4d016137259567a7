/** Sees to it that a cancel works although the code that it is to stop keeps the worker busy. */

import { InterruptSender } from './interrupts'

/** Milliseconds that a worker may take to answer before code is interrupted: most do at once. */
const PATIENCE = 30
/** Between two interrupts: one that meets the engine at work is not obeyed. */
const INTERVAL = 25
/** Milliseconds after which a worker hangs for good, in code that heeds no interrupt. */
const LONGEST_HANG = 2_000
/** The same when nothing says whose code it is that hangs. */
const LONGEST_DOUBT = 10_000

interface Cancel {
  readonly runId: string
  readonly since: number
}

export class Canceller {
  readonly #sender: InterruptSender | null
  readonly #cancels = new Map<number, Cancel>()
  readonly #onHang: (runIds: readonly string[]) => void
  #timer: ReturnType<typeof setTimeout> | null = null

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
    const runIds = [...new Set([...this.#cancels.values()].map(({ runId }) => runId))]
    if (this.#hangs(runIds)) {
      this.close()
      this.#onHang(runIds)
      return
    }
    this.#sender?.send(runIds)
    this.#timer = setTimeout(() => this.#look(), INTERVAL)
  }

  #hangs(runIds: readonly string[]): boolean {
    const since = Math.min(...[...this.#cancels.values()].map((cancel) => cancel.since))
    const waited = Date.now() - since
    if (waited < LONGEST_HANG) return false
    if (!this.#sender) return true
    const running = this.#sender.running(runIds)
    if (running === null) return waited >= LONGEST_DOUBT
    // The step of a run that nobody cancels may take its time.
    return running !== 'another'
  }
}
