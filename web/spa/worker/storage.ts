/** The store's place in the origin's private file system, held by one worker at a time. */

import { DurablyError } from '../../core/errors'
import { PATIENCE, type Patience } from '../../opfs/access-handle'
import { BlobFolder } from '../../opfs/blob-folder'
import { Disk } from '../../opfs/disk'
import { isNamed } from '../../opfs/errno'
import { BLOBS } from '../../opfs/opfs-fs'
import { holdLock } from '../bridge/channels'

export const DATABASE = 'durably.sqlite3'

export const STORAGE_FULL =
  "the browser's storage for this site is full: free some space and reload; what was saved is safe"

/** SQLite knows these three by name; they are never given another place. */
const DATABASE_FILES = filesOf(DATABASE)

/** What `probe_commit` in Python's entry writes at each start, also in a store that is at its limit. */
const PROBE_FILES = filesOf('.probe.sqlite3')

/** With those of the disk, and one for a file that comes in, fewer handles than Safari allows. */
const BLOB_SPARES = 4

export interface Storage {
  readonly disk: Disk
  readonly blobs: BlobFolder
  /** Whether there was no database. */
  readonly isNew: boolean
  /** Close every handle and give the lock back. */
  close(): void
}

/** Law 4: take the store's lock, then open its files. There is no other place for them (law 10). */
export async function openStorage(
  store: string,
  onFault: (error: unknown) => void,
  patience: Patience = PATIENCE,
): Promise<Storage> {
  if (!/^[^/\\]{1,200}$/.test(store) || store === '.' || store === '..') {
    throw new DurablyError('boot_failed', `a store cannot be named ${JSON.stringify(store)}`)
  }
  checkSupport()
  const release = await takeLock(store, patience)
  try {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(store, { create: true })
    const blobFolder = await folder.getDirectoryHandle(BLOBS, { create: true })
    const [disk, blobs] = await bothOrNone(
      Disk.open(folder, {
        fixed: DATABASE_FILES,
        scratch: PROBE_FILES,
        skip: [BLOBS],
        patience,
        onFault,
      }),
      BlobFolder.open(blobFolder, { patience, spares: BLOB_SPARES, onFault }),
    )
    return {
      disk,
      blobs,
      isNew: !disk.files.has(DATABASE),
      close: () => {
        disk.close()
        blobs.close()
        release()
      },
    }
  } catch (error) {
    release()
    throw explain(error)
  }
}

function filesOf(database: string): readonly string[] {
  return [database, `${database}-journal`, `${database}-wal`]
}

interface Closable {
  close(): void
}

/** Await what opens; when one cannot be opened, the other is closed. */
async function bothOrNone<A extends Closable, B extends Closable>(
  opening: Promise<A>,
  other: Promise<B>,
): Promise<readonly [A, B]> {
  const settled = await Promise.allSettled([opening, other])
  const [first, second] = settled
  if (first.status === 'fulfilled' && second.status === 'fulfilled') {
    return [first.value, second.value]
  }
  for (const one of settled) if (one.status === 'fulfilled') one.value.close()
  throw first.status === 'rejected' ? first.reason : Object(second).reason
}

function checkSupport(): void {
  if (!globalThis.isSecureContext) {
    throw new DurablyError(
      'opfs_unavailable',
      'the browser keeps no files for a page without https: open it by https:// or on localhost',
    )
  }
  // Not every browser has them, and some hide them in a private window.
  const has =
    typeof navigator.storage?.getDirectory === 'function' &&
    typeof navigator.locks?.request === 'function' &&
    'createSyncAccessHandle' in (globalThis.FileSystemFileHandle?.prototype ?? {})
  if (!has) {
    throw new DurablyError(
      'opfs_unavailable',
      'this browser gives the page no private file system: use a current browser, outside a private window',
    )
  }
}

/** The second guard: the page that owns the engine holds a lock of its own. */
async function takeLock(store: string, patience: Patience): Promise<() => void> {
  const signal = AbortSignal.timeout(patience.longest)
  try {
    return await holdLock(`durably:${store}`, signal)
  } catch (error) {
    throw signal.aborted ? lockedBy(store, error) : explain(error)
  }
}

function lockedBy(store: string, cause: unknown): DurablyError {
  return new DurablyError(
    'opfs_locked',
    `another tab has the store "${store}" open: go on there, or close it and reload this page`,
    { cause },
  )
}

function explain(error: unknown): DurablyError {
  if (error instanceof DurablyError) return error
  if (isNamed(error, 'QuotaExceededError')) {
    return new DurablyError('quota_exceeded', STORAGE_FULL, { cause: error })
  }
  // SecurityError in Firefox's private windows, UnknownError in Safari's.
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new DurablyError(
    'opfs_unavailable',
    `the browser refuses its private file system (${reason}): leave the private window, or allow this site to store data`,
    { cause: error },
  )
}
