/** Where a boot gets its memory snapshot from, and what is done about one that cannot be trusted. */

import { DurablyError } from '../../../core/errors'
import { toPayload } from '../../bridge/failure'
import type { BootConfig, SnapshotNotice } from '../../bridge/protocol'
import { OutOfReach } from '../python/fetch-bytes'
import type { Manifest } from '../python/manifest'
import { bootPython, type Python } from '../python/pyodide'
import type { Runtime } from '../python/runtime'
import { type Snapshot, SnapshotPlace } from './kept'

const PREPARATION = 'durably.browser.snapshot'

interface Listener {
  snapshot(notice: SnapshotNotice): void
}

/** Starts Python from the snapshot at once, while the storage opens. */
export class SnapshotSource {
  readonly #listener: Listener
  readonly #place: Promise<SnapshotPlace> | null
  /** Python, restored; null when there is no snapshot, or none that can be trusted. */
  readonly python: Promise<Python | null>
  #isMissing = false

  constructor(config: BootConfig, manifest: Manifest, runtime: Runtime, listener: Listener) {
    this.#listener = listener
    this.#place =
      config.snapshot === false ? null : SnapshotPlace.open(config.manifestUrl, manifest.buildId)
    this.python = this.#restore(runtime)
    // Waited for when the storage is open; until then it is no unhandled rejection.
    this.python.catch(() => {})
  }

  /** Whether one could be made, and there is none. */
  get isMissing(): boolean {
    return this.#isMissing
  }

  async #restore(runtime: Runtime): Promise<Python | null> {
    const found = await find(this.#place)
    switch (found.kind) {
      case 'switched off':
        return null
      case 'nothing':
        this.#isMissing = true
        return null
      case 'refused':
        this.#listener.snapshot({ state: 'refused', error: unusable(found.reason) })
        return null
      case 'damaged':
        await this.distrust(found.error)
        return null
      case 'snapshot':
        try {
          return await start(runtime, found.snapshot)
        } catch (error) {
          // The snapshot is not to blame, and will be wanted all the more.
          if (error instanceof OutOfReach) throw error
          await this.distrust(error)
          return null
        }
    }
  }

  /** Remove the snapshot and say why. */
  async distrust(error: unknown): Promise<void> {
    this.#isMissing = true
    try {
      await (await this.#place)?.remove()
    } catch {
      // It is tried, and told, again at the next boot.
      this.#isMissing = false
    }
    this.#listener.snapshot({
      state: 'unusable',
      error: unusable(toPayload(error, 'snapshot_unusable').message),
    })
  }
}

async function start(runtime: Runtime, snapshot: Snapshot): Promise<Python> {
  const python = await bootPython(runtime, { kind: 'from a snapshot', snapshot })
  // SQLite draws its WAL's salts from memory, too; this lets it ask the system for a new seed.
  python.module._sqlite3_randomness(0, 0)
  const preparation = python.import(PREPARATION)
  try {
    preparation.freshen()
  } finally {
    preparation.destroy()
  }
  return python
}

type Found =
  | { readonly kind: 'switched off' | 'nothing' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'damaged'; readonly error: unknown }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }

async function find(place: Promise<SnapshotPlace> | null): Promise<Found> {
  if (place === null) return { kind: 'switched off' }
  try {
    const found = await (await place).find()
    if (found === null) return { kind: 'nothing' }
    if ('refused' in found) return { kind: 'refused', reason: found.refused }
    return { kind: 'snapshot', snapshot: found }
  } catch (error) {
    return { kind: 'damaged', error }
  }
}

function unusable(reason: string) {
  const message = `the memory snapshot cannot be used, Python starts from its parts: ${reason}`
  return new DurablyError('snapshot_unusable', message).toPayload()
}
