/** The whole life of the worker that makes a memory snapshot. */

import { DurablyError } from '../core/errors'
import { isNamed } from '../opfs/errno'
import { reasonOf } from './failure'
import { fetchManifest, type Manifest } from './manifest'
import { notMade } from './not-made'
import type { SnapshotNotice } from './protocol'
import { SnapshotPlace } from './snapshot'
import { makeSnapshot } from './snapshot-make'

/** Make a snapshot of the app's build, keep it, and say what came of it. */
export async function keepSnapshot(manifestUrl: string): Promise<SnapshotNotice> {
  const began = performance.now()
  try {
    const manifest = await fetchManifest(manifestUrl)
    const place = await SnapshotPlace.open(manifestUrl, manifest.buildId)
    const bytes = await place.save(await made(manifest, manifestUrl, place))
    return { state: 'made', bytes, took: Math.round(performance.now() - began) }
  } catch (error) {
    const reason = isNamed(error, 'QuotaExceededError')
      ? "the browser's storage for this site is full"
      : reasonOf(error)
    return { state: 'refused', error: notMade(reason) }
  }
}

async function made(manifest: Manifest, manifestUrl: string, place: SnapshotPlace) {
  try {
    return await makeSnapshot(manifest, manifestUrl)
  } catch (error) {
    // What cannot be fetched now may be there later; all else would go wrong each time.
    if (!(error instanceof DurablyError) || error.code !== 'boot_failed') await place.refuse(error)
    throw error
  }
}
