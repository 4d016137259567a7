/** Which file lies where: the names a program sees, and the places in the folder behind them. */

import type { Deviations } from './name-index'

/** Folder, inside the store's, for what has no name of its own. */
export const HIDDEN = '.durably'

/** A file that is there. Its handle is null until it is opened, and again once it is closed for good. */
export interface Backing {
  readonly place: string
  readonly file: FileSystemFileHandle
  handle: FileSystemSyncAccessHandle | null
}

/** A file as a program sees it. */
export interface StoredFile {
  /** Path below the mount; null once it was removed. */
  name: string | null
  backing: Backing
  /** Open streams. A removed file is kept until the last one is closed. */
  streams: number
  /** Milliseconds since 1970. */
  modified: number
}

/** Names and places, in memory. Nothing here touches the disk. */
export class NameTable {
  readonly files = new Map<string, StoredFile>()
  readonly directories = new Set<string>()
  /** Every file with a plain name that is in the folder. */
  readonly places = new Map<string, Backing>()
  /** Those of `places` that no one uses: empty, and soon removed. */
  readonly idle = new Map<string, Backing>()
  /** Empty files without a plain name, open and ready to be given one. */
  readonly spares: Backing[] = []
  /** Files without a plain name that were given out. */
  readonly lent = new Set<Backing>()
  /** Every directory that is in the folder. */
  readonly folders = new Set<string>()
  /** Places that an unfinished call may have made or removed. */
  readonly uncertain = new Set<string>()
  /** Files that keep one place and one open handle for good; they are not in `places`. */
  readonly fixed = new Map<string, Backing>()

  deviations(): Deviations {
    const moved: [string, string][] = []
    for (const [name, { backing }] of this.files) {
      if (backing.place !== name) moved.push([name, backing.place])
    }
    const used = new Set([...this.files.values()].map((file) => file.backing.place))
    const doubtful = [...this.uncertain]
    return {
      moved,
      gone: [...new Set([...this.places.keys(), ...doubtful])].filter((place) => !used.has(place)),
      made: [...this.directories].filter((path) => !this.folders.has(path)),
      removed: [...new Set([...this.folders, ...doubtful])].filter(
        (path) => !this.directories.has(path),
      ),
    }
  }

  /** Open handles, those of the index not counted. */
  get handles(): number {
    return this.places.size + this.spares.length + this.lent.size + this.fixed.size
  }

  /** Return whether a file or directory lies below *path*. */
  hasBelow(path: string): boolean {
    const below = `${path}/`
    const names = [...this.files.keys(), ...this.directories]
    return names.some((name) => name.startsWith(below))
  }
}

/** Return whether *place* is one of those without a plain name. */
export function isHidden(place: string): boolean {
  return place.startsWith(`${HIDDEN}/`)
}
