/** The files of a store for synchronous use: any name can be made, renamed and removed at once. */

import { DurablyError } from '../core/errors'
import { openAccessHandle, PATIENCE, type Patience, remove } from './access-handle'
import { EAGAIN, ENFILE, EPERM, FileError } from './errno'
import { NameIndex } from './name-index'
import { type Backing, HIDDEN, isHidden, type NameTable, type StoredFile } from './name-table'
import { recover } from './recover'
import { empty, Settler } from './settle'

export interface DiskOptions {
  /** Files that are opened by their plain name for good: a database and its journals. */
  readonly fixed?: readonly string[]
  /** Entries of the folder that are none of this disk's. */
  readonly skip?: readonly string[]
  /** Files that can be made before the worker's event loop turns. */
  readonly spares?: number
  /** Open handles in all. Safari allows 252 for an origin; some are left for others. */
  readonly handles?: number
  readonly patience?: Patience
  /** Told of an error that no file call can report, because no one called. */
  readonly onFault?: (error: unknown) => void
}

const INDEX_HANDLES = 2
const SETTLE_AFTER = 10
/** A disk that is full, say, is seldom free again in a moment. */
const SETTLE_AGAIN_AFTER = 30_000

/** Every method but `open`, `settle` is synchronous; what it did to names is on disk when it returns. */
export class Disk {
  readonly #folder: FileSystemDirectoryHandle
  readonly #table: NameTable
  readonly #index: NameIndex
  readonly #settler: Settler
  readonly #spares: number
  readonly #handles: number
  readonly #patience: Patience
  readonly #onFault: (error: unknown) => void
  #settling: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | null = null
  #closed = false

  private constructor(
    folder: FileSystemDirectoryHandle,
    table: NameTable,
    index: NameIndex,
    options: DiskOptions,
  ) {
    this.#folder = folder
    this.#table = table
    this.#index = index
    this.#patience = options.patience ?? PATIENCE
    this.#settler = new Settler(folder, table, index, this.#patience, () => this.#closed)
    this.#spares = options.spares ?? 16
    this.#handles = options.handles ?? 240
    this.#onFault = options.onFault ?? (() => {})
  }

  /** Open every file in *folder*; finish what an earlier worker could not. */
  static async open(folder: FileSystemDirectoryHandle, options: DiskOptions = {}): Promise<Disk> {
    const patience = options.patience ?? PATIENCE
    const hidden = await folder.getDirectoryHandle(HIDDEN, { create: true })
    const opened: FileSystemSyncAccessHandle[] = []
    const open = async (file: FileSystemFileHandle) => {
      const handle = await openAccessHandle(file, patience)
      opened.push(handle)
      return handle
    }
    let disk: Disk | null = null
    try {
      const [first, second] = await Promise.all(
        ['names-0', 'names-1'].map(async (name) =>
          open(await hidden.getFileHandle(name, { create: true })),
        ),
      )
      if (!first || !second) throw new TypeError('an index has two files')
      const index = new NameIndex(first, second)
      const fixed = options.fixed ?? []
      const skip = new Set([HIDDEN, ...fixed, ...(options.skip ?? [])])
      const table = await recover(folder, index.read(), skip, patience)
      disk = new Disk(folder, table, index, options)
      await disk.#settler.settle()
      for (const name of fixed) {
        const file = await folder.getFileHandle(name, { create: true })
        table.fixed.set(name, { place: name, file, handle: null })
      }
      await disk.#openAll(open)
      return disk
    } catch (error) {
      disk?.close()
      for (const handle of opened) handle.close()
      throw error
    }
  }

  get files(): ReadonlyMap<string, StoredFile> {
    return this.#table.files
  }

  get directories(): ReadonlySet<string> {
    return this.#table.directories
  }

  /** Open handles, as counted against the limit. */
  get handles(): number {
    return this.#table.handles + INDEX_HANDLES
  }

  /** Return whether *file* keeps its place and its handle as long as the disk is open. */
  isFixed(file: StoredFile): boolean {
    return this.#table.fixed.get(file.backing.place) === file.backing
  }

  create(name: string): StoredFile {
    const { files, fixed, idle, lent, spares } = this.#table
    const backing = fixed.get(name) ?? idle.get(name) ?? spares.pop() ?? first(idle)
    if (!backing) throw new FileError(this.handles < this.#handles ? EAGAIN : ENFILE)
    const file: StoredFile = { name, backing, streams: 0, modified: Date.now() }
    const free = idle.delete(backing.place)
    if (isHidden(backing.place)) lent.add(backing)
    this.#change(
      () => files.set(name, file),
      () => {
        files.delete(name)
        lent.delete(backing)
        if (free) idle.set(backing.place, backing)
        else if (isHidden(backing.place)) spares.push(backing)
      },
    )
    return file
  }

  /** Take the name of *file* away; its bytes go with its last stream. */
  unlink(file: StoredFile): void {
    const { name, backing } = file
    if (name === null) return
    if (this.isFixed(file)) {
      // For SQLite this is the moment of a commit: the journal is gone when, and only when, this returns.
      backing.handle?.truncate(0)
      backing.handle?.flush()
      this.#forget(file)
      return
    }
    this.#change(
      () => this.#forget(file),
      () => this.#restore(file, name),
    )
    this.#release(file)
  }

  /** Give *file* the name *to*; a file of that name is replaced in the same moment. */
  rename(file: StoredFile, to: string): void {
    const { files, fixed } = this.#table
    const { name } = file
    const replaced = files.get(to)
    if (name === null || replaced === file) return
    if (fixed.has(name) || fixed.has(to)) throw new FileError(EPERM)
    this.#change(
      () => {
        if (replaced) this.#forget(replaced)
        this.#forget(file)
        this.#restore(file, to)
      },
      () => {
        this.#forget(file)
        this.#restore(file, name)
        if (replaced) this.#restore(replaced, to)
      },
    )
    if (replaced) this.#release(replaced)
  }

  makeDirectory(name: string): void {
    const { directories } = this.#table
    this.#change(
      () => directories.add(name),
      () => directories.delete(name),
    )
  }

  removeDirectory(name: string): void {
    const { directories } = this.#table
    this.#change(
      () => directories.delete(name),
      () => directories.add(name),
    )
  }

  /** Give a directory and all below it another name; *to* is empty or not there. */
  renameDirectory(from: string, to: string): void {
    const had = this.#table.directories.has(to)
    this.#change(
      () => this.#rebase(from, to),
      () => {
        this.#rebase(to, from)
        if (had) this.#table.directories.add(to)
      },
    )
  }

  /** Count a stream of *file*. */
  opened(file: StoredFile): void {
    file.streams += 1
  }

  /** Count a stream of *file* as gone. */
  closed(file: StoredFile): void {
    file.streams -= 1
    if (file.name === null) this.#release(file)
  }

  /** Give files their plain names and refill the spares, now. */
  settle(): Promise<void> {
    this.#settling = this.#settling.then(() => this.#settle())
    return this.#settling
  }

  /** Close every handle. What is left to settle is settled at the next mount. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const { fixed, lent, places, spares } = this.#table
    for (const backing of [...fixed.values(), ...places.values(), ...lent, ...spares]) {
      backing.handle?.close()
      backing.handle = null
    }
    this.#index.close()
  }

  async #openAll(open: (file: FileSystemFileHandle) => Promise<FileSystemSyncAccessHandle>) {
    const { files, fixed, lent, places, spares } = this.#table
    for (const { place } of spares.splice(this.#spares)) {
      await remove(this.#folder, place, this.#patience)
    }
    if (this.handles > this.#handles) {
      throw new DurablyError(
        'too_many_files',
        `the store holds ${files.size} files, and a browser can keep at most ${this.#handles} open: remove some, or keep many small ones in one SQLite database`,
      )
    }
    await Promise.all(
      [...fixed.values(), ...places.values(), ...lent, ...spares].map(async (backing) => {
        backing.handle = await open(backing.file)
      }),
    )
    for (const { handle } of spares) if (handle && handle.getSize() > 0) handle.truncate(0)
    for (const [name, backing] of fixed) {
      // An empty one may have been made here, for its handle: it is there once it is created.
      if (backing.handle?.getSize() === 0) continue
      files.set(name, { name, backing, streams: 0, modified: Date.now() })
    }
    await this.#refill()
  }

  async #settle(): Promise<void> {
    if (this.#closed) return
    try {
      await this.#refill()
      await this.#settler.settle()
      await this.#refill()
    } catch (error) {
      if (this.#closed) return
      this.#onFault(error)
      this.#settleAfter(SETTLE_AGAIN_AFTER)
    }
  }

  /** Make as many spares as there should be, or remove what is over the limit. */
  async #refill(): Promise<void> {
    const { spares } = this.#table
    const room = this.#handles - this.handles
    const missing = Math.min(this.#spares - spares.length, room)
    const making = Array.from({ length: Math.max(missing, 0) }, () => this.#addSpare())
    const removing = spares.splice(0, Math.max(-missing, 0)).map(async ({ handle, place }) => {
      handle?.close()
      await remove(this.#folder, place, this.#patience)
    })
    await Promise.all([...making, ...removing])
  }

  async #addSpare(): Promise<void> {
    const name = `spare-${crypto.randomUUID()}`
    const hidden = await this.#folder.getDirectoryHandle(HIDDEN)
    const file = await hidden.getFileHandle(name, { create: true })
    const handle = await openAccessHandle(file, this.#patience)
    // Closed while the handle was opened: no one else would close this one.
    if (this.#closed) handle.close()
    else this.#table.spares.push({ place: `${HIDDEN}/${name}`, file, handle })
  }

  #settleAfter(pause: number): void {
    if (this.#timer !== null || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.settle()
    }, pause)
  }

  /** Do *change* and note it in the index; when it cannot be noted, it has not happened. */
  #change(change: () => void, undo: () => void): void {
    change()
    try {
      this.#index.write(this.#table.deviations())
    } catch (error) {
      undo()
      throw error
    }
    this.#settleAfter(SETTLE_AFTER)
  }

  #forget(file: StoredFile): void {
    if (file.name !== null) this.#table.files.delete(file.name)
    file.name = null
  }

  #restore(file: StoredFile, name: string): void {
    this.#table.files.set(name, file)
    file.name = name
  }

  #rebase(from: string, to: string): void {
    const { directories, files } = this.#table
    const below = `${from}/`
    for (const path of [...directories]) {
      if (path !== from && !path.startsWith(below)) continue
      directories.delete(path)
      directories.add(to + path.slice(from.length))
    }
    for (const [name, file] of [...files]) {
      if (!name.startsWith(below)) continue
      this.#forget(file)
      this.#restore(file, to + name.slice(from.length))
    }
  }

  /** Reuse the place of a file that has lost its name and its last stream. */
  #release(file: StoredFile): void {
    if (file.streams > 0 || this.isFixed(file)) return
    try {
      empty(this.#table, file.backing)
      this.#settleAfter(SETTLE_AFTER)
    } catch (error) {
      // The name is gone, which is what was asked for; the bytes go at the next mount.
      this.#onFault(error)
    }
  }
}

function first(idle: ReadonlyMap<string, Backing>): Backing | undefined {
  for (const backing of idle.values()) return backing
  return undefined
}
