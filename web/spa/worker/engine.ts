/** The Python engine behind its border: three strings in, three strings out. */

import type { PyCallable } from 'pyodide/ffi'
import { DurablyError } from '../../core/errors'
import type { OpfsFS } from '../../opfs/opfs-fs'
import type { InterruptReceiver } from '../bridge/interrupts'
import type { Python } from './python/pyodide'
import { STORAGE_FULL } from './storage'

const ENTRY = 'durably.browser.entry'

/** What Python says; `id` is that of the call or subscription it belongs to. */
export type Emit = (kind: 'answer' | 'events' | 'ended', id: number, text: string) => void

/** What Python is told. */
export type DispatchKind = 'call' | 'subscribe' | 'unsubscribe' | 'files' | 'stop'

export interface EngineOptions {
  readonly database: string
  readonly modules: readonly string[]
  readonly blobs: string
  readonly workerId: string
  /** Runs to be cancelled before any is claimed. */
  readonly cancel: readonly string[]
  /** Runs that the last engine had claimed did not end it. */
  readonly ownerLeft: boolean
}

export interface EngineVersions {
  readonly pythonVersion: string
  readonly sqliteVersion: string
}

/** A started engine. Its dispatch function is the one proxy that lives as long as it. */
export class Engine {
  readonly #dispatch: PyCallable
  readonly versions: EngineVersions

  private constructor(dispatch: PyCallable, versions: EngineVersions) {
    this.#dispatch = dispatch
    this.versions = versions
  }

  /** Start the engine on the store that is mounted, after one commit has shown that it can be durable. */
  static async start(
    python: Python,
    fs: OpfsFS,
    folder: string,
    options: EngineOptions,
    emit: Emit,
    interrupts: InterruptReceiver | null,
  ): Promise<Engine> {
    const entry = python.import(ENTRY)
    try {
      probe(fs, () => entry.probe_commit(folder))
      if (interrupts) python.heed(interrupts.signal)
      const ways = interrupts ? [interrupts.requested, interrupts.mark] : []
      const dispatch: PyCallable = await entry.start(JSON.stringify(options), emit, ...ways)
      return new Engine(dispatch, JSON.parse(entry.describe()))
    } finally {
      entry.destroy()
    }
  }

  dispatch(kind: DispatchKind, id: number, text: string): void {
    this.#dispatch(kind, id, text)
  }

  close(): void {
    this.#dispatch.destroy()
  }
}

/** Do *commit* and see that it is on disk: a new Pyodide must not undo the sync hook unseen. */
function probe(fs: OpfsFS, commit: () => void): void {
  const before = fs.flushes
  try {
    commit()
  } catch (error) {
    if (!fs.isFull) throw error
    throw new DurablyError('quota_exceeded', STORAGE_FULL, { cause: error })
  }
  if (fs.flushes > before) return
  throw new DurablyError(
    'not_durable',
    'a commit did not reach the disk: this build of Python cannot keep runs safe',
  )
}
