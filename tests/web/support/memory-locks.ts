/** The standard's lock manager, as far as exclusive locks with a signal go. */
export class MemoryLocks {
  readonly held = new Set<string>()
  readonly #queue = new Set<{ readonly name: string; readonly wake: () => void }>()

  async request(name: string, options: LockOptions, work: () => Promise<void>): Promise<void> {
    while (this.held.has(name)) {
      await new Promise<void>((resolve, reject) => {
        const waiting = { name, wake: resolve }
        this.#queue.add(waiting)
        options.signal?.addEventListener('abort', () => {
          this.#queue.delete(waiting)
          reject(options.signal?.reason)
        })
      })
    }
    this.held.add(name)
    await work()
    this.held.delete(name)
    const next = [...this.#queue].find((waiting) => waiting.name === name)
    if (next) this.#queue.delete(next)
    next?.wake()
  }
}
