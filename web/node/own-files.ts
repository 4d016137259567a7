/** What this package carries for Python, and where Pyodide lies. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Pin } from './packages/lock'

/** Written when this package is built: `python/contents.json`. */
export interface Contents {
  readonly version: string
  /** Of Python's packages that the engine needs, in the order of their names. */
  readonly wheels: readonly Pin[]
  /** File names below `python/`. */
  readonly engine: string
  /** Bytecode of the wheels and the engine, which a browser need not make itself. */
  readonly compiled: string
  /** Python's standard library; what a boot imports is bytecode. In the place of Pyodide's own. */
  readonly stdlib: string
  /** What describes jobs, for Node only. */
  readonly tools: string
  /** Of packages that find other packages, for Node only. */
  readonly resolver: readonly Pin[]
}

/** What `loadPyodide` fetches from its own folder; the rest of the npm package is for other uses. */
export const PYODIDE_FILES = [
  'pyodide.mjs',
  'pyodide.asm.mjs',
  'pyodide.asm.wasm',
  'pyodide-lock.json',
] as const

const own = fileURLToPath(new URL('./', import.meta.url))

/** A file of this package. */
export const ownFile = (...path: readonly string[]): string => join(own, ...path)

export function readContents(): Contents {
  return JSON.parse(readFileSync(ownFile('python', 'contents.json'), 'utf8'))
}

export function readOwn(...path: readonly string[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(ownFile(...path)))
}

export interface PyodidePackage {
  readonly version: string
  readonly folder: string
}

export function findPyodide(): PyodidePackage {
  const file = createRequire(import.meta.url).resolve('pyodide/package.json')
  const { version } = JSON.parse(readFileSync(file, 'utf8'))
  return { version, folder: dirname(file) }
}
