/** A value that others watch. Shape fits `useSyncExternalStore`. */

import { told } from './told'

export interface Watchable<Value> {
  getSnapshot(): Value
  /** Call *listener* after each change; returns how to stop that. */
  subscribe(listener: () => void): () => void
}

/** What a store does while someone listens. */
export interface Listening {
  /** The first listener has come. */
  readonly open: () => void
  /** The last one has gone. */
  readonly close: () => void
}

export class Watched<Value> implements Watchable<Value> {
  readonly #listeners = new Set<() => void>()
  readonly #listening: Listening | null
  #value: Value

  constructor(value: Value, listening: Listening | null = null) {
    this.#value = value
    this.#listening = listening
  }

  /** Whether anyone listens. */
  get isWatched(): boolean {
    return this.#listeners.size > 0
  }

  readonly getSnapshot = (): Value => this.#value

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#listening?.open()
    return () => {
      const wasThere = this.#listeners.delete(listener)
      if (wasThere && this.#listeners.size === 0) this.#listening?.close()
    }
  }

  set(value: Value): void {
    if (Object.is(value, this.#value)) return
    this.#value = value
    for (const notify of [...this.#listeners]) told(notify)
  }
}

/** A value that stays as it is. */
export function unchanging<Value>(value: Value): Watchable<Value> {
  return { getSnapshot: () => value, subscribe: () => () => undefined }
}
