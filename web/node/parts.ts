/** Everything that a browser needs to boot Python with an app's jobs, as files of one folder. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashed, type Part, part, type SourceFile, sha256, zip } from './files'
import { findPyodide, PYODIDE_FILES, readContents, readOwn } from './own-files'
import type { Pin } from './packages/lock'

export interface Wheel {
  readonly pin: Pin
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface Parts {
  /** All of them, the two below included. Each name changes with what is in the file, or says a version. */
  readonly files: readonly Part[]
  readonly manifest: Part
  readonly worker: Part
}

/** The engine's own packages. */
export function ownWheels(): Wheel[] {
  return readContents().wheels.map((pin) => ({ pin, bytes: readOwn('python', 'wheels', pin.file) }))
}

interface ServedArchive extends Part {
  readonly format: 'wheel' | 'zip'
}

const wheelPart = ({ pin, bytes }: Wheel): ServedArchive => ({
  ...part(`wheels/${pin.file}`, bytes),
  format: 'wheel',
})

/** What every app is sent: it is the same for as long as this process runs. */
function readShared() {
  const { version, folder } = findPyodide()
  const base = `pyodide-${version}/`
  const { engine, compiled, stdlib } = readContents()
  return {
    pyodide: { version, base, stdlib },
    runtime: [
      ...PYODIDE_FILES.map((name) =>
        part(base + name, new Uint8Array(readFileSync(join(folder, name)))),
      ),
      part(stdlib, readOwn('python', stdlib)),
    ],
    wheels: ownWheels().map(wheelPart),
    zips: [engine, compiled].map(
      (file): ServedArchive => ({ ...part(file, readOwn('python', file)), format: 'zip' }),
    ),
    worker: hashed('worker.js', readOwn('worker.js')),
  }
}

let shared: ReturnType<typeof readShared> | null = null

/**
 * Put together what a browser is sent. *modules* are those that it imports jobs from, *packages*
 * those that the app asked for beside the engine's.
 */
export function assemble(
  jobs: readonly SourceFile[],
  modules: readonly string[],
  packages: readonly Wheel[],
): Parts {
  shared ??= readShared()
  const { pyodide, runtime, wheels, zips, worker } = shared
  const archives: ServedArchive[] = [
    ...wheels,
    ...packages.map(wheelPart),
    ...zips,
    { ...hashed('jobs.zip', zip(jobs)), format: 'zip' },
  ]
  const files: Part[] = [...runtime, ...archives]
  const manifest = {
    buildId: sha256(files.map((file) => `${file.sha256}  ${file.path}\n`).join('')),
    pyodide,
    archives: archives.map(({ path, format, sha256 }) => ({ url: path, format, sha256 })),
    modules,
  }
  const text = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)
  const made = hashed('manifest.json', text)
  return { files: [...files, worker, made], manifest: made, worker }
}
