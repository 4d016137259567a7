/** Make the folder agree with the names, a little later: what no sync call can do. */

import { DurablyError } from '../core/errors'
import {
  locate,
  type MovableFile,
  openAccessHandle,
  type Patience,
  patiently,
  remove,
} from './access-handle'
import { EIO, ENOSPC, FileError, isNamed } from './errno'
import type { NameIndex } from './name-index'
import { type Backing, isHidden, type NameTable, type StoredFile } from './name-table'
import { discard, type Spares } from './spares'

/** A larger file keeps its place until the next mount, when it can be moved instead of copied. */
const LARGEST_COPY = 16 * 1024 * 1024

const PIECE = 1024 * 1024

export interface SettlerOptions {
  readonly patience: Patience
  /** Whether the disk was closed meanwhile. */
  readonly stopped: () => boolean
  readonly onFault: (error: unknown) => void
}

/** A folder and the name in it. */
type Spot = readonly [folder: FileSystemDirectoryHandle, name: string]

/** Gives files their plain names and removes what lost its own. Every step leaves the index true. */
export class Settler {
  readonly #folder: FileSystemDirectoryHandle
  readonly #table: NameTable
  readonly #index: NameIndex
  readonly #spares: Spares
  readonly #patience: Patience
  readonly #stopped: () => boolean
  readonly #onFault: (error: unknown) => void
  /** Names that this folder cannot have. What they name stays where it lies, and the index tells. */
  readonly #refused = new Set<string>()

  constructor(
    folder: FileSystemDirectoryHandle,
    table: NameTable,
    index: NameIndex,
    spares: Spares,
    { patience, stopped, onFault }: SettlerOptions,
  ) {
    this.#folder = folder
    this.#table = table
    this.#index = index
    this.#spares = spares
    this.#patience = patience
    this.#stopped = stopped
    this.#onFault = onFault
  }

  /** Go on until nothing more can be done or the disk is closed. */
  async settle(): Promise<void> {
    const steps = [
      () => this.#removeIdle(),
      () => this.#removeFolders(),
      () => this.#makeFolders(),
      () => this.#placeFiles(),
      () => this.#breakCircle(),
    ]
    let moving = true
    while (moving) {
      moving = false
      for (const step of steps) {
        if (this.#stopped()) return
        if (await step()) moving = true
      }
      if (!this.#stopped()) this.#note()
    }
  }

  async #removeIdle(): Promise<boolean> {
    const { idle, places } = this.#table
    const going = [...idle.values()]
    for (const backing of going) {
      // Another call may have taken it meanwhile.
      if (this.#stopped() || !idle.delete(backing.place)) continue
      await discard(this.#folder, backing, this.#patience)
      places.delete(backing.place)
    }
    return going.length > 0
  }

  async #removeFolders(): Promise<boolean> {
    const { folders, directories, places, uncertain } = this.#table
    const going = [...folders].filter((path) => !directories.has(path)).sort(deepestFirst)
    let removed = false
    for (const path of going) {
      const below = `${path}/`
      if ([...places.keys(), ...folders].some((other) => other.startsWith(below))) continue
      folders.delete(path)
      uncertain.add(path)
      await remove(this.#folder, path, this.#patience)
      uncertain.delete(path)
      removed = true
    }
    return removed
  }

  async #makeFolders(): Promise<boolean> {
    const { folders, directories, places, uncertain } = this.#table
    const missing = [...directories].filter((path) => !folders.has(path))
    let made = false
    for (const path of missing.sort(deepestFirst).reverse()) {
      if (!this.#hasParent(path) || places.has(path)) continue
      const spot = await this.#spotFor(path, 'directory')
      if (!spot || !directories.has(path)) continue
      const [parent, name] = spot
      uncertain.add(path)
      await parent.getDirectoryHandle(name, { create: true })
      uncertain.delete(path)
      folders.add(path)
      made = true
    }
    return made
  }

  async #placeFiles(): Promise<boolean> {
    let placed = false
    for (const file of [...this.#table.files.values()]) {
      if (this.#stopped()) return placed
      if (file.name === null || file.name === file.backing.place) continue
      if (!this.#isFree(file.name)) continue
      if (file.backing.handle === null ? await this.#move(file) : await this.#copy(file)) {
        placed = true
      }
    }
    return placed
  }

  /** Move a closed file to its name. Only before the mount: no sync call can come between. */
  async #move(file: StoredFile): Promise<boolean> {
    const name = file.name ?? ''
    const from = file.backing
    const source: MovableFile = from.file
    if (!source.move) return false
    const spot = await this.#spotFor(name, 'file')
    if (!spot) return false
    const [parent, last] = spot
    await patiently(name, this.#patience, async () => source.move?.(parent, last))
    const backing = { place: name, file: await parent.getFileHandle(last), handle: null }
    this.#table.lent.delete(from)
    this.#table.places.delete(from.place)
    this.#table.places.set(name, backing)
    file.backing = backing
    // At most one move may be untold, or a chain of renames could not be read back.
    this.#note()
    return true
  }

  /** Copy an open file to its name and change over in one go: its streams notice nothing. */
  async #copy(file: StoredFile): Promise<boolean> {
    const { places, uncertain } = this.#table
    const name = file.name ?? ''
    if (this.#spares.room < 0 || (file.backing.handle?.getSize() ?? 0) > LARGEST_COPY) return false
    const spot = await this.#spotFor(name, 'file')
    if (!spot || file.name !== name) return false
    const [parent, last] = spot
    uncertain.add(name)
    const handle = await parent.getFileHandle(last, { create: true })
    const backing: Backing = {
      place: name,
      file: handle,
      handle: await openAccessHandle(handle, this.#patience),
    }
    if (this.#stopped()) {
      backing.handle?.close()
      return false
    }
    places.set(name, backing)
    uncertain.delete(name)
    // Renamed or removed while the new place was made.
    if (file.name !== name) this.#table.idle.set(name, backing)
    else this.#changeOver(file, backing)
    // It left a spare behind, for which there may be no room.
    await this.#spares.trim()
    return true
  }

  /** Two files that changed names block each other: give one a spare place. */
  #breakCircle(): boolean {
    const { files, idle, lent, places, spares } = this.#table
    for (const file of files.values()) {
      const { name, backing } = file
      if (name === null || name === backing.place || isHidden(backing.place)) continue
      if (!places.has(name) || idle.has(name) || !backing.handle) continue
      if (backing.handle.getSize() > LARGEST_COPY || !files.has(backing.place)) continue
      const spare = spares.pop()
      if (!spare) return false
      lent.add(spare)
      this.#changeOver(file, spare)
      return true
    }
    return false
  }

  /** Let *file* lie in *to*, which is empty, instead of where it lies. */
  #changeOver(file: StoredFile, to: Backing): void {
    const from = file.backing
    try {
      copy(from, to)
      file.backing = to
      this.#note()
    } catch (error) {
      file.backing = from
      empty(this.#table, to)
      throw error
    }
    empty(this.#table, from)
  }

  /**
   * Return where *path* can be made, or null where it cannot: one refused name stops no other.
   *
   * Nothing may lie there that is not ours. Safari on a Mac takes a name for another one that
   * differs in capitals only, and would put the file over that one, be it the engine's database.
   */
  async #spotFor(path: string, kind: FileSystemHandleKind): Promise<Spot | null> {
    if (this.#refused.has(path)) return null
    const [parent, name] = await locate(this.#folder, path)
    let cause: unknown = null
    try {
      if (kind === 'file') await parent.getFileHandle(name)
      else await parent.getDirectoryHandle(name)
      // What an unfinished call has made is ours.
      if (this.#table.uncertain.has(path)) return [parent, name]
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return [parent, name]
      // The browser has no such name, or has given it to a thing of the other kind.
      if (!(error instanceof TypeError) && !isNamed(error, 'TypeMismatchError')) throw error
      cause = error
    }
    this.#refused.add(path)
    this.#onFault(
      new DurablyError(
        'storage_io',
        `the browser cannot keep ${JSON.stringify(path)} under its plain name; jobs can use it all the same`,
        { cause },
      ),
    )
    return null
  }

  #note(): void {
    this.#index.write(this.#table.deviations())
  }

  #hasParent(path: string): boolean {
    const end = path.lastIndexOf('/')
    return end < 0 || this.#table.folders.has(path.slice(0, end))
  }

  #isFree(path: string): boolean {
    const { places, folders } = this.#table
    return this.#hasParent(path) && !places.has(path) && !folders.has(path)
  }
}

/** Empty *backing*, which no name leads to any more, and keep it for the next file. */
export function empty(table: NameTable, backing: Backing): void {
  if (isHidden(backing.place)) table.lent.delete(backing)
  backing.handle?.truncate(0)
  backing.handle?.flush()
  if (isHidden(backing.place)) table.spares.push(backing)
  else table.idle.set(backing.place, backing)
}

function copy(from: Backing, to: Backing): void {
  const size = from.handle?.getSize() ?? 0
  const piece = new Uint8Array(Math.min(size, PIECE))
  for (let at = 0; at < size; ) {
    const bytes = piece.subarray(0, from.handle?.read(piece, { at }))
    if (bytes.length === 0) throw new FileError(EIO)
    if ((to.handle?.write(bytes, { at }) ?? 0) < bytes.length) throw new FileError(ENOSPC)
    at += bytes.length
  }
  to.handle?.flush()
}

function deepestFirst(a: string, b: string): number {
  return b.split('/').length - a.split('/').length
}
