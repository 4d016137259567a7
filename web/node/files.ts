/** Files as this package reads and hands them on: a path with forward slashes, and bytes. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { type Zippable, zipSync } from 'fflate'

export interface SourceFile {
  /** Relative to its folder, with forward slashes. */
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** A file that is served: its path below the folder of all parts, and what it holds. */
export interface Part extends SourceFile {
  /** Lower-case hex. */
  readonly sha256: string
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex')
}

export function part(path: string, bytes: Uint8Array<ArrayBuffer>): Part {
  return { path, bytes, sha256: sha256(bytes) }
}

/** *name* with a piece of the content's hash before its ending. */
export function hashed(name: string, bytes: Uint8Array<ArrayBuffer>): Part {
  const at = name.lastIndexOf('.')
  const hash = sha256(bytes)
  const path = `${name.slice(0, at)}-${hash.slice(0, 12)}${name.slice(at)}`
  return { path, bytes, sha256: hash }
}

/** Read every file under *folder* that *wants* its path, in the order of paths; an absent folder has none. */
export function readFolder(
  folder: string,
  wants: (path: string) => boolean = () => true,
): SourceFile[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ file, path: relative(folder, file).split(sep).join('/') }))
    .filter(({ path }) => wants(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ file, path }) => ({ path, bytes: new Uint8Array(readFileSync(file)) }))
}

function isLitter(path: string): boolean {
  const names = path.split('/')
  return names.some((name) => name === '__pycache__' || name.startsWith('.'))
}

/** The same bytes for the same files, wherever and whenever it is made. */
export function zip(files: readonly SourceFile[]): Uint8Array<ArrayBuffer> {
  const entries: Zippable = {}
  for (const { path, bytes } of files) entries[path] = bytes
  // A zip keeps local time without a zone; this is the earliest it can hold, whatever the zone.
  return new Uint8Array(zipSync(entries, { mtime: new Date(1980, 0, 1), level: 9 }))
}

const OF_TESTS = /^(test_.*|.*_test|conftest)\.py$/

/** The files of a folder of jobs that a browser needs: modules and their data. */
export function readJobs(folder: string): SourceFile[] {
  return readFolder(folder, isOfJobs)
}

/** Whether a file in a folder of jobs goes to the browser: not tests, not what is made of the others. */
export function isOfJobs(path: string): boolean {
  const isMade = /\.(d\.ts|d\.ts\.map|pyc)$/.test(path)
  return !isMade && !isLitter(path) && !OF_TESTS.test(basename(path))
}
