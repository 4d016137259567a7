/** The short way for an app: a worker in, a client out. */

import { DurablyClient } from '../../core/client'
import { type TabOptions, TabTransport } from './tab-transport'

export interface StartOptions extends TabOptions {
  /**
   * Makes a worker, a new one at each call:
   * `() => new Worker(new URL('…/worker.js', import.meta.url), { type: 'module' })`.
   */
  readonly worker: () => Worker
  /** Where the build put its manifest; relative to the page. */
  readonly manifestUrl: string
  /** Name of the store. Two names are two stores; tabs that give the same share one engine. */
  readonly store: string
  /** Start Python from a memory snapshot, and make one after a boot without. Default: true. */
  readonly snapshot?: boolean
}

/**
 * Resolve once an engine runs, in this tab or in another that has the store open. Rejects with a
 * `DurablyError` that a user can act on.
 */
export async function startDurably(options: StartOptions): Promise<DurablyClient> {
  const manifestUrl = new URL(options.manifestUrl, location.href).href
  const { store, snapshot = true } = options
  const transport = new TabTransport({ manifestUrl, store, snapshot }, options)
  await transport.ready
  return new DurablyClient(transport)
}
