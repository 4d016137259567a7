/** A value that others watch. Shape fits `useSyncExternalStore`. */

import { told } from './told'

export interface Watchable<Value> {
  getSnapshot(): Value
  /** Call *listener* after each change; returns how to stop that. */
  subscribe(listener: () => void): () => void
}

export class Watched<Value> implements Watchable<Value> {
  readonly #listeners = new Set<() => void>()
  #value: Value

  constructor(value: Value) {
    this.#value = value
  }

  /** Whether anyone listens. */
  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  readonly getSnapshot = (): Value => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set(value: Value): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const notify of [...this.#listeners]) told(notify)
  }
}
