/** Files named by their content: written once, then only read, and removed whole. */

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { DurablyError } from '../core/errors'
import type { BlobRef } from '../core/types'
import {
  type MovableFile,
  openAccessHandle,
  PATIENCE,
  type Patience,
  patiently,
  remove,
} from './access-handle'
import { EAGAIN, ENOSPC, errnoOf, FileError } from './errno'
import { MADE, MadeFile } from './made-file'

/** Where a blob is written until its name is known. */
const INCOMING = 'incoming-'

/** Something that can be written into the folder. */
interface Source {
  readonly size: number
  readonly type?: string
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
}

export interface BlobFolderOptions {
  readonly patience?: Patience
  /** Files that Python can make before the worker's event loop turns. Each keeps a handle open. */
  readonly spares?: number
  /** Told of an error that no call can report, because no one called. */
  readonly onFault?: (error: unknown) => void
}

/** Keeps blobs in *folder*. Only those that Python makes have an open handle, for a moment. */
export class BlobFolder {
  readonly #folder: FileSystemDirectoryHandle
  readonly #patience: Patience
  readonly #onFault: (error: unknown) => void
  readonly #wanted: number
  readonly #blobs: Map<string, File>
  /** Named by Python, and not yet copied to their names. */
  readonly #made = new Map<string, MadeFile>()
  readonly #spares: MadeFile[] = []
  /** Empty files of an earlier worker. */
  readonly #left: string[] = []
  readonly #handles = new Set<FileSystemSyncAccessHandle>()
  /** Why the last copy was not made, most likely a full disk; what was made is safe where it is. */
  #stuck: unknown = null
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(
    folder: FileSystemDirectoryHandle,
    blobs: Map<string, File>,
    { patience = PATIENCE, spares = 0, onFault = () => {} }: BlobFolderOptions,
  ) {
    this.#folder = folder
    this.#blobs = blobs
    this.#patience = patience
    this.#wanted = spares
    this.#onFault = onFault
  }

  static async open(
    folder: FileSystemDirectoryHandle,
    options: BlobFolderOptions = {},
  ): Promise<BlobFolder> {
    const { patience = PATIENCE } = options
    const blobs = new Map<string, File>()
    const left: MovableFile[] = []
    for await (const [name, entry] of folder.entries()) {
      if (entry.kind !== 'file') continue
      if (name.startsWith(MADE)) left.push(entry)
      // What a worker that ended was writing.
      else if (name.startsWith(INCOMING)) await remove(folder, name, patience)
      else blobs.set(name, await entry.getFile())
    }
    const opened = new BlobFolder(folder, blobs, options)
    for (const entry of left) await opened.#take(entry)
    opened.#later(() => opened.#refill())
    return opened
  }

  get names(): Iterable<string> {
    return new Set([...this.#blobs.keys(), ...this.#made.keys()])
  }

  get(sha256Hex: string): File | MadeFile | undefined {
    return this.#blobs.get(sha256Hex) ?? this.#made.get(sha256Hex)
  }

  /** Return a kept file that can cross to the page, or null. */
  async find(sha256Hex: string): Promise<File | null> {
    // One that Python has just made gets its place first.
    if (this.#made.has(sha256Hex)) await this.#last
    return this.#blobs.get(sha256Hex) ?? null
  }

  /** Keep the bytes of *file*; they are readable under their hash when this resolves. */
  put(file: Blob, name: string): Promise<BlobRef> {
    return this.#next(async () => {
      try {
        const digest = await this.#keep(file)
        return { sha256: digest, size: file.size, name, mediaType: file.type }
      } catch (error) {
        throw explain(error, name)
      }
    })
  }

  /** Return an empty file to write. There are only so many before the event loop turns. */
  make(): MadeFile {
    const made = this.#spares.pop()
    if (made) return made
    if (this.#stuck === null) throw new FileError(EAGAIN)
    const errno = errnoOf(this.#stuck)
    this.#later(() => this.#place())
    throw new FileError(errno)
  }

  /**
   * Let *made* be the blob of that hash.
   *
   * Its bytes must have been flushed. No index has to know the name: what a crash leaves is
   * hashed when the folder is opened again.
   */
  name(made: MadeFile, sha256Hex: string): void {
    if (this.get(sha256Hex)) {
      this.drop(made)
      return
    }
    this.#made.set(sha256Hex, made)
    this.#later(() => this.#place())
  }

  /** Give back a file that was taken with `make`. */
  drop(made: MadeFile): void {
    if (this.#closed) return
    made.empty()
    this.#spares.push(made)
  }

  /** Remove a blob. It is gone for everyone at once, and from the folder a little later. */
  remove(sha256Hex: string): void {
    const made = this.#made.get(sha256Hex)
    this.#made.delete(sha256Hex)
    if (made) this.drop(made)
    if (!this.#blobs.delete(sha256Hex)) return
    this.#later(async () => {
      // Put again meanwhile: the same bytes under the same name.
      if (!this.#blobs.has(sha256Hex)) await remove(this.#folder, sha256Hex, this.#patience)
    })
  }

  /** Wait for what was begun. */
  async settle(): Promise<void> {
    await this.#last
  }

  /** Close every handle. */
  close(): void {
    this.#closed = true
    for (const handle of this.#handles) handle.close()
  }

  /** Do *work* after all that was begun before. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    // One after the other: two of the same content would replace each other under a reader.
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  #later(work: () => Promise<void>): void {
    this.#next(async () => {
      if (!this.#closed) await work()
    }).catch((error: unknown) => {
      if (!this.#closed) this.#onFault(error)
    })
  }

  async #refill(): Promise<void> {
    for (let missing = this.#wanted - this.#spares.length; missing > 0; missing -= 1) {
      const place = this.#left.pop() ?? MADE + crypto.randomUUID()
      const file = await this.#folder.getFileHandle(place, { create: true })
      const handle = await openAccessHandle(file, this.#patience)
      if (this.#closed) handle.close()
      else {
        this.#handles.add(handle)
        this.#spares.push(new MadeFile(place, handle))
      }
    }
  }

  /** Copy what Python has made to its names, and have the open files back. */
  async #place(): Promise<void> {
    try {
      for (const [name, made] of [...this.#made]) {
        if (this.#closed || this.#made.get(name) !== made) continue
        const digest = await this.#keep(made)
        if (!this.#made.delete(name)) continue
        this.drop(made)
        if (digest !== name) throw new TypeError(`${name} is not the hash of its bytes`)
      }
      this.#stuck = null
    } catch (error) {
      this.#stuck = error
      throw error
    }
  }

  /** Keep what an earlier worker's Python had made; if it was not whole, nobody knows its name. */
  async #take(entry: MovableFile): Promise<void> {
    const file = await entry.getFile()
    if (file.size === 0) {
      this.#left.push(entry.name)
      return
    }
    const digest = await hashOf(file)
    if (this.#blobs.has(digest)) await remove(this.#folder, entry.name, this.#patience)
    // Moved, as no one has it open: a copy might find no room.
    else await this.#move(entry, digest)
  }

  async #move(from: MovableFile, digest: string): Promise<void> {
    if (!from.move) {
      throw new DurablyError('opfs_unavailable', 'this browser cannot rename a stored file')
    }
    await patiently(from.name, this.#patience, async () => from.move?.(this.#folder, digest))
    const kept = await this.#folder.getFileHandle(digest)
    this.#blobs.set(digest, await kept.getFile())
  }

  /** Copy *source* to its name and return that. */
  async #keep(source: Source): Promise<string> {
    const temporary = INCOMING + crypto.randomUUID()
    try {
      const incoming: MovableFile = await this.#folder.getFileHandle(temporary, { create: true })
      const digest = await write(source, await openAccessHandle(incoming, this.#patience))
      if (!this.#blobs.has(digest)) await this.#move(incoming, digest)
      return digest
    } finally {
      await remove(this.#folder, temporary, this.#patience)
    }
  }
}

async function hashOf(source: Source): Promise<string> {
  const hash = sha256.create()
  for (const reader = source.stream().getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return bytesToHex(hash.digest())
    hash.update(value)
  }
}

/** Write the bytes of *source*, close *to*, return the SHA-256 as hex. */
async function write(source: Source, to: FileSystemSyncAccessHandle): Promise<string> {
  const hash = sha256.create()
  try {
    let at = 0
    // A stream, so that a file larger than memory can be kept.
    for (const reader = source.stream().getReader(); ; ) {
      const { done, value } = await reader.read()
      if (done) break
      if (to.write(value, { at }) < value.length) {
        throw new DurablyError('quota_exceeded', 'the file did not fit')
      }
      hash.update(value)
      at += value.length
    }
    to.flush()
  } finally {
    to.close()
  }
  return bytesToHex(hash.digest())
}

function explain(error: unknown, name: string): DurablyError {
  if (error instanceof DurablyError && error.code !== 'quota_exceeded') return error
  if (error instanceof DurablyError || errnoOf(error) === ENOSPC) {
    return new DurablyError(
      'quota_exceeded',
      `${name} does not fit: the browser's storage for this site is full; free some space and try again`,
      { cause: error },
    )
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new DurablyError('blob_failed', `${name} could not be stored: ${reason}`, { cause: error })
}
