/** Take a memory snapshot of a Python that has imported everything and started nothing. */

import { DurablyError } from '../../../core/errors'
import { fetchArchive, type Manifest } from '../python/manifest'
import { filesUnder, type PythonModule } from '../python/module'
import { bootPython, type Python } from '../python/pyodide'
import { fetchRuntime } from '../python/runtime'
import type { Library, Snapshot } from './kept'

const PREPARATION = 'durably.browser.snapshot'

/** Where Emscripten's C library keeps a loaded library's places, from its handle on. */
const MEMORY_BASE = 12
const TABLE_BASE = 20

const PAGE = 4096

/** What Pyodide puts before the memory: a magic number, then its own length. */
const LENGTH_AT = 4

/** Boot a Python for nothing but its snapshot. It takes seconds and the memory of a second Python. */
export async function makeSnapshot(
  manifest: Manifest,
  manifestUrl: string,
): Promise<{ readonly snapshot: Snapshot; readonly python: Python }> {
  const [python, ...archives] = await Promise.all([
    bootPython(fetchRuntime(manifest, manifestUrl), { kind: 'to be kept' }),
    ...manifest.archives.map(async (archive) => ({
      archive,
      bytes: await fetchArchive(archive, manifestUrl),
    })),
  ])
  for (const { archive, bytes } of archives) python.unpack(archive, bytes)
  const preparation = python.import(PREPARATION)
  preparation.prepare(JSON.stringify(manifest.modules))
  preparation.destroy()
  return { snapshot: take(python), python }
}

function take(python: Python): Snapshot {
  const { module, sitePackages } = python
  const libraries = librariesOf(module)
  const whole = python.takeMemory()
  const start = new DataView(whole.buffer, whole.byteOffset).getUint32(LENGTH_AT, true)
  const size = whole.length - start
  const runs = runsOf(new Uint32Array(whole.buffer, whole.byteOffset + start, size / 4))
  const memory = new Uint8Array(runs.reduce((sum, [, length]) => sum + length, 0))
  let at = 0
  for (const [from, length] of runs) {
    memory.set(whole.subarray(start + from, start + from + length), at)
    at += length
  }
  return {
    header: whole.slice(0, start),
    memorySize: size,
    tableSize: module.wasmTable.length,
    libraries,
    runs,
    memory,
    files: filesUnder(module.FS, sitePackages),
  }
}

/** Return where the memory is not zero, in whole pages; a third of it is zero. */
function runsOf(words: Uint32Array): (readonly [start: number, length: number])[] {
  const runs: [number, number][] = []
  for (let at = 0; at < words.length; at += PAGE / 4) {
    if (words.subarray(at, at + PAGE / 4).every((word) => word === 0)) continue
    const last = runs.at(-1)
    if (last && last[0] + last[1] === at * 4) last[1] += PAGE
    else runs.push([at * 4, PAGE])
  }
  return runs
}

/** Return the loaded libraries in the order of their places, which is that of their loading. */
function librariesOf({ LDSO, HEAPU32 }: PythonModule): Library[] {
  const libraries: Library[] = []
  for (const [key, { name, exports }] of Object.entries(LDSO.loadedLibsByHandle)) {
    const handle = Number(key)
    if (handle === 0) continue
    // An exported variable's address would be computed anew, from a place it is not at.
    const variable = Object.entries(exports).find(([, value]) => typeof value !== 'function')
    if (variable) throw refusal(`${name} exports the variable ${variable[0]}`)
    libraries.push({
      path: name,
      handle,
      memoryBase: HEAPU32[(handle + MEMORY_BASE) >> 2] ?? 0,
      tableBase: HEAPU32[(handle + TABLE_BASE) >> 2] ?? 0,
    })
  }
  // A library that another one needed has no handle, and its place is written nowhere.
  if (Object.keys(LDSO.loadedLibsByName).length !== libraries.length + 1) {
    throw refusal('a library was loaded by another library')
  }
  return libraries.sort((a, b) => a.tableBase - b.tableBase)
}

function refusal(reason: string): DurablyError {
  return new DurablyError('snapshot_unusable', `Python's memory cannot be kept: ${reason}`)
}
