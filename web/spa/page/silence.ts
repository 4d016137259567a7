/** Notices that nobody answers. A busy engine is not silent: its page answers for it. */

/** Milliseconds without an answer until the owner's page is asked whether it is there. */
const ASK_AFTER = 2_000
/** And until it is taken to be silent. */
const SILENT_AFTER = 3_000

export interface SilenceListener {
  /** Ask the owner's page for a sign. */
  ask(): void
  silent(): void
  /** A sign came after all. */
  over(): void
  /** Whether something that was asked has no answer yet. */
  isWaiting(): boolean
}

export class Silence {
  readonly #listener: SilenceListener
  #timer: ReturnType<typeof setTimeout> | null = null
  #isSilent = false

  constructor(listener: SilenceListener) {
    this.#listener = listener
  }

  /** Something was asked that will be answered. */
  expect(): void {
    if (!this.#isSilent) this.#timer ??= setTimeout(() => this.askNow(), ASK_AFTER)
  }

  /** Ask for a sign without waiting longer. What is sent to a frozen page waits there for it. */
  askNow(): void {
    this.#listener.ask()
    if (this.#isSilent) return
    this.#stopTimer()
    this.#timer = setTimeout(() => {
      this.#isSilent = true
      this.#listener.silent()
    }, SILENT_AFTER)
  }

  /** The owner's page or its worker was heard. */
  heard(): void {
    this.#stopTimer()
    if (this.#isSilent) {
      this.#isSilent = false
      this.#listener.over()
    }
    // A sign of life answers nothing else. This ends with the last answer: it is no heartbeat.
    if (this.#listener.isWaiting()) this.expect()
  }

  close(): void {
    this.#stopTimer()
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
