/** What a boot needs, as the build listed it, and how it is fetched. */

import { DurablyError } from '../../../core/errors'
import { fetchBytes, OutOfReach } from './fetch-bytes'

export interface Manifest {
  /** Changes with any byte of what is listed. */
  readonly buildId: string
  readonly pyodide: {
    readonly version: string
    /** Folder of Pyodide's own files; relative to the manifest, as every URL here. */
    readonly base: string
    /** Python's standard library. */
    readonly stdlib: string
  }
  readonly archives: readonly Archive[]
  /** Python modules that hold the app's jobs. */
  readonly modules: readonly string[]
}

export interface Archive {
  readonly url: string
  readonly format: 'wheel' | 'zip'
  /** Lower-case hex. */
  readonly sha256: string
}

export async function fetchManifest(url: string): Promise<Manifest> {
  const text = new TextDecoder().decode(await fetchNewest(url))
  try {
    const manifest: Manifest = JSON.parse(text)
    if (typeof manifest.pyodide.stdlib === 'string' && Array.isArray(manifest.archives)) {
      return manifest
    }
  } catch {
    // Said below: a server that answers every address with its start page ends here.
  }
  throw new DurablyError('boot_failed', `${url} is not a manifest of Durably's assets`)
}

/** Fetch *archive* and compare it with its hash: a proxy or an old cache may have changed it. */
export async function fetchArchive(archive: Archive, manifestUrl: string): Promise<Uint8Array> {
  const url = new URL(archive.url, manifestUrl).href
  const bytes = await fetchBytes(url)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (hex === archive.sha256) return new Uint8Array(bytes)
  throw new DurablyError(
    'boot_failed',
    `${url} is not the file that the manifest lists: reload the page without its cache`,
  )
}

/** A new page must not meet an old manifest; where there is no network, the one kept is the newest. */
async function fetchNewest(url: string): Promise<ArrayBuffer> {
  try {
    return await fetchBytes(url, { cache: 'no-cache' })
  } catch (error) {
    if (!(error instanceof OutOfReach)) throw error
    return fetchBytes(url, { cache: 'force-cache' })
  }
}
