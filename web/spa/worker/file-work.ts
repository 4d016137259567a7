/** Work on the store's files as a whole: bytes pass to and from Python as files in memory. */

import { DurablyError } from '../../core/errors'
import type { StorageFigures } from '../../core/transport'
import type { BlobFolder } from '../../opfs/blob-folder'
import { unreachable } from '../bridge/failure'
import type { FileWork } from '../bridge/protocol'
import type { ScratchFS } from './python/pyodide'

/** Ask Python, on the host's own account. */
export type AskPython = (content: {
  readonly act: 'export' | 'import' | 'reset'
  readonly path?: string
}) => Promise<unknown>

/** Do *work* and return the file that comes of it, if one does. */
export async function doFileWork(
  work: FileWork,
  blobs: BlobFolder,
  scratch: ScratchFS,
  ask: AskPython,
): Promise<Blob | null> {
  const path = `/tmp/durably-${crypto.randomUUID()}.sqlite3`
  switch (work.act) {
    case 'read-blob': {
      const file = await blobs.find(work.sha256)
      if (file) return file
      throw new DurablyError('not_found', `no file with the hash ${work.sha256} is kept here`)
    }
    case 'export':
      // Not in the store's own folder: it must work when the disk is full.
      await ask({ act: 'export', path })
      try {
        return new Blob([scratch.readFile(path)], { type: 'application/vnd.sqlite3' })
      } finally {
        scratch.unlink(path)
      }
    case 'import':
      scratch.writeFile(path, new Uint8Array(await work.file.arrayBuffer()))
      try {
        await ask({ act: 'import', path })
      } finally {
        scratch.unlink(path)
      }
      return null
    case 'reset':
      await ask({ act: 'reset' })
      return null
    default:
      return unreachable(work)
  }
}

/** Return what the browser tells of the site's space. */
export async function storageFigures(): Promise<StorageFigures> {
  const { storage } = navigator
  const [estimate, persisted] = await Promise.all([
    storage.estimate?.().catch(() => null),
    storage.persisted?.().catch(() => false),
  ])
  return {
    usage: estimate?.usage ?? null,
    quota: estimate?.quota ?? null,
    persisted: persisted ?? false,
  }
}
