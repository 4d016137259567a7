/** Keeps the app for when there is no network, and tells of a new version. */

import { type Watchable, Watched } from '../core/watched'
import type { FromServiceWorker, ToServiceWorker } from './protocol'

export interface OfflineState {
  /** Whether a whole version is kept: the app works without a network. */
  readonly isKept: boolean
  /** The part of a version that is there while it is being fetched, from 0 to 1; null when none is. */
  readonly part: number | null
  /** Whether a new version is there as a whole, and waits to be applied. */
  readonly isUpdateReady: boolean
  /** Why the app, or its new version, could not be kept. */
  readonly problem: string | null
}

export const NOTHING_KEPT: OfflineState = {
  isKept: false,
  part: null,
  isUpdateReady: false,
  problem: null,
}
/** How often a page that is looked at asks whether there is a new version: milliseconds. */
const LOOK_EVERY = 60 * 60_000
const RELOADED = 'durably-isolated'
/** How long a first visit may take before it is kept all the same: milliseconds. */
const FIRST_VISIT = 10_000

export interface OfflineOptions {
  /** The service worker's address. */
  readonly url: string
  /** Load the page once more when only that makes it isolated. */
  readonly isolate: boolean
  /** A first visit is not kept before this has settled: what starts the app comes first. */
  readonly after?: Promise<unknown>
}

/** One for a page. */
export class OfflineApp {
  readonly state: Watchable<OfflineState>
  readonly #state = new Watched(NOTHING_KEPT)
  #registration: ServiceWorkerRegistration | null = null
  #lookedAt = 0

  constructor(options: OfflineOptions) {
    this.state = this.#state
    void this.#begin(options)
  }

  /** Let the new version take the place of this one; every tab of the app is loaded anew. */
  apply(): void {
    const message: ToServiceWorker = { kind: 'durably-apply' }
    this.#registration?.waiting?.postMessage(message)
  }

  /** Ask the server for a new version now. */
  async look(): Promise<void> {
    this.#lookedAt = Date.now()
    // Without a network there is nothing to say: the version that is here works.
    await this.#registration?.update().catch(() => undefined)
  }

  async #begin({ url, isolate, after }: OfflineOptions): Promise<void> {
    if (!('serviceWorker' in navigator)) {
      this.#change({ problem: 'this browser keeps no apps: it has no service workers here' })
      return
    }
    const container = navigator.serviceWorker
    let hadController = container.controller !== null
    container.addEventListener('controllerchange', () => {
      if (hadController) location.reload()
      else if (isolate && !crossOriginIsolated && sessionStorage.getItem(RELOADED) === null) {
        sessionStorage.setItem(RELOADED, 'yes')
        location.reload()
      }
      hadController = true
    })
    container.addEventListener('message', ({ data }: MessageEvent<FromServiceWorker>) => {
      if (data?.kind !== 'durably-offline') return
      this.#change({ part: data.total === 0 ? 1 : data.done / data.total })
    })
    // Without isolation it is what the page waits for.
    if (after && !hadController && (crossOriginIsolated || !isolate)) {
      await Promise.race([after, new Promise((resolve) => setTimeout(resolve, FIRST_VISIT))])
    }
    try {
      const registration = await container.register(url, { updateViaCache: 'none' })
      this.#registration = registration
      registration.addEventListener('updatefound', () => this.#follow(registration.installing))
      this.#follow(registration.installing)
      this.#show()
    } catch (error) {
      this.#change({ problem: `the app could not be kept: ${error}` })
      return
    }
    this.#lookedAt = Date.now()
    const look = () => {
      const isDue = Date.now() - this.#lookedAt > LOOK_EVERY
      if (document.visibilityState === 'visible' && isDue) void this.look()
    }
    document.addEventListener('visibilitychange', look)
    window.addEventListener('online', look)
  }

  #follow(worker: ServiceWorker | null): void {
    if (worker === null) return
    this.#change({ part: 0, problem: null })
    worker.addEventListener('statechange', () => {
      if (worker.state === 'installing') return
      if (worker.state === 'redundant' && this.#registration?.active !== worker) {
        const isFirst = this.#registration?.active === null
        const problem = isFirst
          ? 'the app could not be kept: a file is missing, or is not what the build made'
          : 'a new version is not whole on the server; this one goes on'
        this.#change({ part: null, problem })
      } else this.#show()
    })
  }

  #show(): void {
    const { active = null, waiting = null, installing = null } = this.#registration ?? {}
    this.#change({
      isKept: active !== null,
      isUpdateReady: waiting !== null && active !== null,
      ...(installing === null && { part: null }),
    })
  }

  #change(changes: Partial<OfflineState>): void {
    this.#state.set({ ...this.#state.getSnapshot(), ...changes })
  }
}
