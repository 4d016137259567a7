/** Zips whose bytes depend on their files alone. */

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { zipSync } from 'fflate'

export const sha256 = (content) => createHash('sha256').update(content).digest('hex')

/** Zip the files under *folder* that *wants* their path, which begins with *below*. */
export function zipFolder({ folder, below }, wants) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && basename(entry.parentPath) !== '__pycache__')
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [`${below}/${relative(folder, path).split(sep).join('/')}`, path])
    .filter(([path]) => wants(path))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, file]) => [path, new Uint8Array(readFileSync(file))])
  // A zip keeps local time without a zone; this is the earliest it can hold, whatever the zone.
  return zipSync(Object.fromEntries(entries), { mtime: new Date(1980, 0, 1), level: 9 })
}
