/** Notices that a cancel is not answered: the code that it is to stop may keep the worker busy. */

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
