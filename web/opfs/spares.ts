/** Empty files that stand ready with open handles, and how many files can be open at all. */

import { openAccessHandle, type Patience, remove } from './access-handle'
import { type Backing, HIDDEN, type NameTable } from './name-table'

const INDEX_HANDLES = 2

export interface SparesOptions {
  /** How many there should be. */
  readonly wanted: number
  /** Open handles in all. */
  readonly handles: number
  readonly patience: Patience
  /** Whether the disk was closed meanwhile. */
  readonly stopped: () => boolean
}

/** Keeps the spares of a table: a new file is one of them that was given a name. */
export class Spares {
  readonly #folder: FileSystemDirectoryHandle
  readonly #table: NameTable
  readonly #options: SparesOptions

  constructor(folder: FileSystemDirectoryHandle, table: NameTable, options: SparesOptions) {
    this.#folder = folder
    this.#table = table
    this.#options = options
  }

  /** Open handles, as counted against the limit. */
  get handles(): number {
    return this.#table.handles + INDEX_HANDLES
  }

  /** Handles that files have. The others are given to new ones, or closed. */
  get taken(): number {
    return this.handles - this.#table.spares.length - this.#table.idle.size
  }

  /** How many files can be opened yet. A copy opens one more than that, until it is done. */
  get room(): number {
    return this.#options.handles - this.handles
  }

  /** Make as many as there should be, or remove what is over the limit. */
  async refill(): Promise<void> {
    const missing = Math.min(this.#options.wanted - this.#table.spares.length, this.room)
    if (missing < 0) await this.trim()
    const making = Array.from({ length: Math.max(missing, 0) }, () => this.#make())
    // All of them, also when one fails: the next refill must not find some of these half open.
    for (const made of await Promise.allSettled(making)) {
      if (made.status === 'rejected') throw made.reason
    }
  }

  /** Remove those that are too many, or that there is no room for. */
  async trim(): Promise<void> {
    const { spares } = this.#table
    const excess = Math.max(spares.length - this.#options.wanted, -this.room, 0)
    await Promise.all(
      spares.splice(0, excess).map((spare) => discard(this.#folder, spare, this.#options.patience)),
    )
  }

  async #make(): Promise<void> {
    const name = `spare-${crypto.randomUUID()}`
    const hidden = await this.#folder.getDirectoryHandle(HIDDEN)
    const file = await hidden.getFileHandle(name, { create: true })
    const handle = await openAccessHandle(file, this.#options.patience)
    // Closed while the handle was opened: no one else would close this one.
    if (this.#options.stopped()) handle.close()
    else this.#table.spares.push({ place: `${HIDDEN}/${name}`, file, handle })
  }
}

/** Close and remove *backing*, which no one uses any more. */
export async function discard(
  folder: FileSystemDirectoryHandle,
  backing: Backing,
  patience: Patience,
): Promise<void> {
  backing.handle?.close()
  backing.handle = null
  await remove(folder, backing.place, patience)
}
