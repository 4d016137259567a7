/** The files of a store for synchronous use: any name can be made, renamed and removed at once. */

import { DurablyError } from '../core/errors'
import { openAccessHandle, PATIENCE, type Patience } from './access-handle'
import { EAGAIN, ENFILE, EPERM, FileError } from './errno'
import { NameIndex } from './name-index'
import { type Backing, HIDDEN, isHidden, type NameTable, type StoredFile } from './name-table'
import { recover } from './recover'
import { empty, Settler } from './settle'
import { Spares } from './spares'

export interface DiskOptions {
  /** Files that are opened by their plain name for good: a database and its journals. */
  readonly fixed?: readonly string[]
  /** Files that every start makes for a moment: they find room in a store that has no more. */
  readonly scratch?: readonly string[]
  /** Entries of the folder that are none of this disk's. */
  readonly skip?: readonly string[]
  /** Files that can be made before the worker's event loop turns. */
  readonly spares?: number
  /** Open handles in all, and one for a copy. Safari allows 252 for an origin; some are left for others. */
  readonly handles?: number
  readonly patience?: Patience
  /** Told of an error that no file call can report, because no one called. */
  readonly onFault?: (error: unknown) => void
}

const SETTLE_AFTER = 10
/** A disk that is full, say, is seldom free again in a moment. */
const SETTLE_AGAIN_AFTER = 30_000

/** Every method but `open`, `settle` is synchronous; what it did to names is on disk when it returns. */
export class Disk {
  readonly #table: NameTable
  readonly #index: NameIndex
  readonly #spares: Spares
  readonly #settler: Settler
  readonly #scratch: ReadonlySet<string>
  /** Handles that files may have: as many as a mount can open and still make its scratch files. */
  readonly #mostTaken: number
  readonly #onFault: (error: unknown) => void
  #settling: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | null = null
  /** When the timer ends, in milliseconds since 1970. */
  #due = 0
  #closed = false

  private constructor(
    folder: FileSystemDirectoryHandle,
    table: NameTable,
    index: NameIndex,
    options: DiskOptions,
  ) {
    const { spares = 16, handles = 240, patience = PATIENCE, onFault = () => {} } = options
    this.#table = table
    this.#index = index
    this.#onFault = onFault
    this.#scratch = new Set(options.scratch)
    this.#mostTaken = handles - this.#scratch.size
    const stopped = () => this.#closed
    this.#spares = new Spares(folder, table, { wanted: spares, handles, patience, stopped })
    this.#settler = new Settler(folder, table, index, this.#spares, {
      patience,
      stopped,
      onFault,
    })
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
      disk.#dropScratch()
      await disk.#settleAtMount()
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
    return this.#spares.handles
  }

  /** Return whether *file* keeps its place and its handle as long as the disk is open. */
  isFixed(file: StoredFile): boolean {
    return this.#table.fixed.get(file.backing.place) === file.backing
  }

  create(name: string): StoredFile {
    const { files, fixed, idle, lent, spares } = this.#table
    const isOurs = fixed.has(name) || this.#scratch.has(name)
    if (!isOurs && this.#spares.taken >= this.#mostTaken) throw new FileError(ENFILE)
    const backing = fixed.get(name) ?? idle.get(name) ?? spares.pop() ?? first(idle)
    if (!backing) {
      // A settle that failed waits long for the next one, and may have left no spares.
      this.#settleAfter(SETTLE_AFTER)
      throw new FileError(EAGAIN)
    }
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
    const { files } = this.#table
    const { name } = file
    const replaced = files.get(to)
    if (name === null || replaced === file) return
    this.#checkFree(name)
    this.#checkFree(to)
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
    this.#checkFree(name)
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
    this.#checkFree(to)
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
    const { files, fixed, idle, lent, places, spares } = this.#table
    const excess = this.#spares.taken - this.#mostTaken
    if (excess > 0) {
      throw new DurablyError(
        'too_many_files',
        `the store holds ${files.size} files, and a browser can keep ${files.size - excess} of them open: remove some, or keep many small ones in one SQLite database`,
      )
    }
    // A worker that ended in the middle of its copies has left more than there is room for.
    await this.#spares.trim()
    await Promise.all(
      [...fixed.values(), ...places.values(), ...lent, ...spares].map(async (backing) => {
        backing.handle = await open(backing.file)
      }),
    )
    for (const { handle } of [...spares, ...idle.values()]) {
      if (handle && handle.getSize() > 0) handle.truncate(0)
    }
    for (const [name, backing] of fixed) {
      // An empty one may have been made here, for its handle: it is there once it is created.
      if (backing.handle?.getSize() === 0) continue
      files.set(name, { name, backing, streams: 0, modified: Date.now() })
    }
    await this.#spares.refill()
  }

  async #settle(): Promise<void> {
    if (this.#closed) return
    try {
      await this.#spares.refill()
      await this.#settler.settle()
      await this.#spares.refill()
    } catch (error) {
      this.#putOff(error)
    }
  }

  /** Finish what an earlier worker could not. What cannot be finished now keeps no one from the store. */
  async #settleAtMount(): Promise<void> {
    try {
      await this.#settler.settle()
    } catch (error) {
      // Every file can be used where it lies, as long as the index can tell where that is.
      this.#index.write(this.#table.deviations())
      this.#putOff(error)
    }
  }

  #putOff(error: unknown): void {
    if (this.#closed) return
    this.#onFault(error)
    this.#settleAfter(SETTLE_AGAIN_AFTER)
  }

  /** Whatever lies under these names was left by a start that was cut, or put there by mistake. */
  #dropScratch(): void {
    for (const name of this.#scratch) {
      const file = this.#table.files.get(name)
      if (!file) continue
      this.#forget(file)
      empty(this.#table, file.backing)
    }
  }

  #settleAfter(pause: number): void {
    const due = Date.now() + pause
    if (this.#closed || (this.#timer !== null && this.#due <= due)) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.settle()
    }, pause)
  }

  /** Refuse *name* where it is the engine's: no other file and no directory may have it. */
  #checkFree(name: string): void {
    if (this.#table.fixed.has(name) || this.#scratch.has(name)) throw new FileError(EPERM)
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
