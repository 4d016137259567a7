/** The short way for an app: where the parts lie goes in, a client comes out. */

import { DurablyClient } from '../../core/client'
import type { Boot, Connection } from '../../core/connection'
import { DurablyError } from '../../core/errors'
import { type Watchable, Watched } from '../../core/watched'
import { BOOT_STAGES, type BootStage } from '../bridge/protocol'
import { type TabCallbacks, TabTransport } from './tab-transport'

/** Where the parts lie is said by `base`, or by `worker` and `manifestUrl`. */
export interface StartOptions extends TabCallbacks {
  /** Address of a folder that `durably-py build` wrote, such as `/durably/`. */
  readonly base?: string
  /** The worker's address, or what makes a worker, a new one at each call. */
  readonly worker?: string | URL | (() => Worker)
  /** Where the build put its manifest; relative to the page. */
  readonly manifestUrl?: string
  /** Name of the store. Two names are two stores; tabs that give the same share one engine. */
  readonly store: string
  /** Start Python from a memory snapshot, and make one after a boot without. Default: true. */
  readonly snapshot?: boolean
}

/** The promise of a client, and how far the start is meanwhile. */
export interface Starting extends Promise<DurablyClient> {
  readonly boot: Watchable<Boot>
}

/**
 * Resolve once an engine runs, in this tab or in another that has the store open. Rejects with a
 * `DurablyError` that a user can act on.
 */
export function startDurably(options: StartOptions): Starting {
  const boot = new Watched<Boot>({ stage: BOOT_STAGES[0], part: 0, problem: null })
  return Object.assign(start(options, boot), { boot })
}

async function start(options: StartOptions, boot: Watched<Boot>): Promise<DurablyClient> {
  const { store, snapshot = true, onConnection } = options
  if (typeof store !== 'string' || store === '') {
    throw new DurablyError('validation', 'startDurably needs the name of a store')
  }
  const place = placeOf(options)
  const transport = new TabTransport(
    { manifestUrl: place.manifestUrl, store, snapshot },
    {
      ...options,
      worker: place.worker,
      onConnection: (connection) => {
        boot.set(bootOf(connection, boot.getSnapshot()))
        onConnection?.(connection)
      },
    },
  )
  await transport.ready
  boot.set({ stage: 'ready', part: 1, problem: null })
  return new DurablyClient(transport)
}

function placeOf(place: StartOptions): { manifestUrl: string; worker: () => Worker } {
  const base = place.base?.replace(/\/?$/, '/')
  const manifest = base === undefined ? place.manifestUrl : `${base}manifest.json`
  const worker = base === undefined ? place.worker : `${base}worker.js`
  if (typeof manifest !== 'string' || worker === undefined) {
    const message = 'startDurably needs `base`, or `manifestUrl` and `worker`'
    throw new DurablyError('validation', message)
  }
  const manifestUrl = new URL(manifest, location.href).href
  if (typeof worker === 'function') return { manifestUrl, worker }
  const url = new URL(worker, location.href)
  if (url.origin !== location.origin) {
    const message = `a worker must come from the page's own origin (${location.origin}), not from ${url.origin}`
    throw new DurablyError('validation', message)
  }
  return { manifestUrl, worker: () => new Worker(url, { type: 'module', name: 'durably' }) }
}

/** When each stage begins, as a part of a usual first boot. */
const BEGINS: Readonly<Record<BootStage, number>> = {
  manifest: 0,
  storage: 0.03,
  python: 0.06,
  packages: 0.55,
  database: 0.65,
  ready: 1,
}

function bootOf({ boot, problem }: Connection, before: Boot): Boot {
  const stage = BOOT_STAGES.find((known) => known === boot?.stage)
  if (stage === undefined) return { ...before, problem }
  return { stage, part: BEGINS[stage], problem }
}
