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

/**
 * Put together what a browser is sent. *modules* are those that it imports jobs from, *packages*
 * those that the app asked for beside the engine's.
 */
export function assemble(
  jobs: readonly SourceFile[],
  modules: readonly string[],
  packages: readonly Wheel[],
): Parts {
  const pyodide = findPyodide()
  const base = `pyodide-${pyodide.version}/`
  const runtime = PYODIDE_FILES.map((name) =>
    part(base + name, new Uint8Array(readFileSync(join(pyodide.folder, name)))),
  )
  const { engine, compiled } = readContents()
  const archives = [
    ...[...ownWheels(), ...packages].map(({ pin, bytes }) => ({
      ...part(`wheels/${pin.file}`, bytes),
      format: 'wheel',
    })),
    { ...hashed('engine.zip', readOwn('python', engine)), format: 'zip' },
    { ...hashed('compiled.zip', readOwn('python', compiled)), format: 'zip' },
    { ...hashed('jobs.zip', zip(jobs)), format: 'zip' },
  ]
  const files: Part[] = [...runtime, ...archives]
  const manifest = {
    buildId: sha256(files.map((file) => `${file.sha256}  ${file.path}\n`).join('')),
    pyodide: { version: pyodide.version, base },
    archives: archives.map(({ path, format, sha256 }) => ({ url: path, format, sha256 })),
    modules,
  }
  const text = new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)
  const made = hashed('manifest.json', text)
  const worker = hashed('worker.js', readOwn('worker.js'))
  return { files: [...files, worker, made], manifest: made, worker }
}
