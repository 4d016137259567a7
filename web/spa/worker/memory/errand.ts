/** The whole life of the worker that makes a memory snapshot. */

import { DurablyError } from '../../../core/errors'
import { isNamed } from '../../../opfs/errno'
import { notMade, reasonOf } from '../../bridge/failure'
import type { SnapshotNotice } from '../../bridge/protocol'
import { fetchManifest, type Manifest } from '../python/manifest'
import type { Python } from '../python/pyodide'
import { SnapshotPlace } from './kept'
import { makeSnapshot } from './make'

const REHEARSAL = 'durably.browser.rehearsal'

/** Milliseconds that Chromium waits for more well compiled code before it stores what there is, and some. */
const REST = 3_000

/** Make a snapshot of the app's build, keep it, and tell what came of it; then rehearse with what made it. */
export async function keepSnapshot(
  manifestUrl: string,
  tell: (notice: SnapshotNotice) => void,
): Promise<void> {
  const began = performance.now()
  let python: Python
  try {
    const manifest = await fetchManifest(manifestUrl)
    const place = await SnapshotPlace.open(manifestUrl, manifest.buildId)
    const made = await make(manifest, manifestUrl, place)
    const bytes = await place.save(made.snapshot)
    tell({ state: 'made', bytes, took: Math.round(performance.now() - began) })
    python = made.python
  } catch (error) {
    const reason = isNamed(error, 'QuotaExceededError')
      ? "the browser's storage for this site is full"
      : reasonOf(error)
    tell({ state: 'refused', error: notMade(reason) })
    return
  }
  await rehearse(python)
}

async function make(manifest: Manifest, manifestUrl: string, place: SnapshotPlace) {
  try {
    return await makeSnapshot(manifest, manifestUrl)
  } catch (error) {
    // What cannot be fetched now may be there later; all else would go wrong each time.
    if (!(error instanceof DurablyError) || error.code !== 'boot_failed') await place.refuse(error)
    throw error
  }
}

/**
 * Let *python*, which nobody else uses, do what engines do most, and rest until that has its effect: the
 * browser keeps that code well compiled for later visits.
 */
async function rehearse(python: Python): Promise<void> {
  const rehearsal = python.import(REHEARSAL)
  try {
    await rehearsal.rehearse()
  } finally {
    rehearsal.destroy()
  }
  await new Promise((rested) => setTimeout(rested, REST))
}
