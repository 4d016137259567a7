/** `durably.lock.json`: the Python packages of an app, each pinned to one file by its hash. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Where an app's pins are kept unless it says otherwise. */
export const LOCK_FILE = 'durably.lock.json'

/** One file of one package. It names no host: the same file comes from any index that has it. */
export interface Pin {
  readonly name: string
  readonly version: string
  readonly file: string
  /** Lower-case hex. */
  readonly sha256: string
  /** Where it is found: an index of packages, or Pyodide's own distribution. Default: an index. */
  readonly from?: 'pyodide'
}

export interface Lock {
  /** What was asked for, as the app's options say it. */
  readonly requirements: readonly string[]
  /** The Python that the files are for, such as `cp314-pyemscripten_2026_0`. */
  readonly target: string
  readonly packages: readonly Pin[]
}

export function readLock(file: string): Lock | null {
  if (!existsSync(file)) return null
  try {
    const lock: Lock = JSON.parse(readFileSync(file, 'utf8'))
    if (Array.isArray(lock.requirements) && Array.isArray(lock.packages)) return lock
  } catch {
    // Said below.
  }
  throw new Error(`${file} is no lock of Python packages: remove it, and it is made anew`)
}

export function writeLock(file: string, lock: Lock): void {
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}

/** Whether *lock* is of just these requirements and this Python. */
export function isCurrent(lock: Lock, requirements: readonly string[], target: string): boolean {
  const wanted = [...requirements].sort().join('\n')
  return lock.target === target && [...lock.requirements].sort().join('\n') === wanted
}
