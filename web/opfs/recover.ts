/** Read at mount what an earlier worker left: the files that are there, and the names the index gives them. */

import { type Patience, remove } from './access-handle'
import type { Deviations } from './name-index'
import { type Backing, HIDDEN, isHidden, NameTable } from './name-table'

/** What is in the folder, by path. */
interface Found {
  readonly files: Map<string, FileSystemFileHandle>
  readonly folders: Set<string>
}

/**
 * Return the names and places in *folder*, every handle still closed.
 *
 * Files that lost their name are removed. *skip* are the paths that are kept by someone else.
 */
export async function recover(
  folder: FileSystemDirectoryHandle,
  deviations: Deviations,
  skip: ReadonlySet<string>,
  patience: Patience,
): Promise<NameTable> {
  const found: Found = { files: new Map(), folders: new Set() }
  await scan(folder, '', skip, found)
  const hidden: Found = { files: new Map(), folders: new Set() }
  await scan(await folder.getDirectoryHandle(HIDDEN, { create: true }), `${HIDDEN}/`, skip, hidden)

  const owners = ownersOf(deviations, found, hidden)
  const used = new Set(owners.values())
  for (const place of found.files.keys()) {
    if (used.has(place)) continue
    await remove(folder, place, patience)
    found.files.delete(place)
  }

  const table = new NameTable()
  for (const path of found.folders) table.folders.add(path)
  for (const path of [...found.folders, ...deviations.made]) table.directories.add(path)
  for (const path of deviations.removed) table.directories.delete(path)
  for (const [place, file] of found.files) table.places.set(place, { place, file, handle: null })
  for (const [name, place] of owners) {
    const file = hidden.files.get(place)
    const backing: Backing | null = file
      ? { place, file, handle: null }
      : (table.places.get(place) ?? null)
    if (!backing) continue
    if (file) table.lent.add(backing)
    const { lastModified } = await backing.file.getFile()
    table.files.set(name, { name, backing, streams: 0, modified: lastModified })
    // A file that someone else put into a directory that was removed keeps the directory.
    for (const parent of parentsOf(name)) table.directories.add(parent)
  }
  for (const [place, file] of hidden.files) {
    if (!used.has(place) && isSpare(place)) table.spares.push({ place, file, handle: null })
  }
  return table
}

/** Return the place of every file that has a name. */
function ownersOf(deviations: Deviations, found: Found, hidden: Found): Map<string, string> {
  const owners = new Map<string, string>()
  const gone = new Set(deviations.gone)
  for (const [name, place] of deviations.moved) {
    if (found.files.has(place) || hidden.files.has(place)) {
      owners.set(name, place)
      // What lies under the name is the beginning of a copy, or a file that lost its name.
      gone.add(name)
    } else {
      // It was moved to its name, and the worker ended before the index could tell.
      gone.delete(name)
    }
  }
  const used = new Set(owners.values())
  for (const place of found.files.keys()) {
    if (!used.has(place) && !gone.has(place)) owners.set(place, place)
  }
  return owners
}

async function scan(
  folder: FileSystemDirectoryHandle,
  prefix: string,
  skip: ReadonlySet<string>,
  found: Found,
): Promise<void> {
  for await (const [name, entry] of folder.entries()) {
    const path = prefix + name
    if (skip.has(path)) continue
    if (entry.kind === 'file') found.files.set(path, entry)
    else {
      found.folders.add(path)
      await scan(entry, `${path}/`, skip, found)
    }
  }
}

function isSpare(place: string): boolean {
  return isHidden(place) && place.slice(HIDDEN.length + 1).startsWith('spare-')
}

function* parentsOf(path: string): Generator<string> {
  for (let end = path.indexOf('/'); end > 0; end = path.indexOf('/', end + 1)) {
    yield path.slice(0, end)
  }
}
