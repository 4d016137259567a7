/** Work that is asked for more often than it is worth doing: one at a time, and one more at most. */

/** Milliseconds between the end of one and the begin of the next that was only asked for meanwhile. */
const PAUSE = 50

export class Coalesced {
  readonly #work: (signal: AbortSignal) => Promise<void>
  readonly #pause: number
  #current: AbortController | null = null
  #again = false
  #timer: ReturnType<typeof setTimeout> | null = null
  /** Those who wait for work that begins after they asked. */
  #waiting: (() => void)[] = []

  /** *work* must not reject; what it finds after *signal* was aborted is old. */
  constructor(work: (signal: AbortSignal) => Promise<void>, pause = PAUSE) {
    this.#work = work
    this.#pause = pause
  }

  /** Do it, or once more after what is under way. */
  request(): void {
    if (this.#current === null && this.#timer === null) void this.#run()
    else this.#again = true
  }

  /** Do it now: what is under way is old. Resolves when it is done, or stopped. */
  restart(): Promise<void> {
    this.#forget()
    const done = new Promise<void>((resolve) => this.#waiting.push(resolve))
    void this.#run()
    return done
  }

  stop(): void {
    this.#forget()
    this.#release()
  }

  #forget(): void {
    this.#current?.abort()
    this.#current = null
    this.#again = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #run(): Promise<void> {
    const current = new AbortController()
    this.#current = current
    await this.#work(current.signal)
    if (this.#current !== current) return
    this.#current = null
    this.#release()
    if (!this.#again) return
    this.#again = false
    if (this.#pause === 0) return this.#run()
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#run()
    }, this.#pause)
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
