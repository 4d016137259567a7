/** Python in this worker: booted from the app's own origin, its packages unpacked, a store mounted. */

import type { PyodideInterface } from 'pyodide'
import { DurablyError } from '../../../core/errors'
import type { EmscriptenFS } from '../../../opfs/emscripten'
import type { OpfsFS } from '../../../opfs/opfs-fs'
import { reasonOf } from '../../bridge/failure'
import type { Snapshot } from '../memory/kept'
import { OutOfReach } from './fetch-bytes'
import type { Archive } from './manifest'
import type { PythonModule } from './module'
import { untilLoadFails, withFairTurns, withSyncHook } from './patches'
import { withSnapshot } from './restore'
import { type Runtime, withFetched } from './runtime'

interface MountableFS extends EmscriptenFS {
  mkdir(path: string): void
  mount(type: OpfsFS, options: object, path: string): void
}

/** As declared by Pyodide, the copy could be shared memory. */
interface Snapshottable {
  makeMemorySnapshot(): Uint8Array<ArrayBuffer>
}

/** What a boot starts from, and what for. */
export type Start =
  | { readonly kind: 'from its parts' }
  | { readonly kind: 'to be kept' }
  | { readonly kind: 'from a snapshot'; readonly snapshot: Snapshot }

/** Files in memory, for what passes between Python and the host. */
export interface ScratchFS {
  writeFile(path: string, bytes: Uint8Array): void
  readFile(path: string): Uint8Array<ArrayBuffer>
  unlink(path: string): void
}

/** A booted Python that has run nothing yet. */
export class Python {
  readonly #pyodide: PyodideInterface
  /** The folder that packages are unpacked into. */
  readonly sitePackages: string

  constructor(pyodide: PyodideInterface, sitePackages: string) {
    this.#pyodide = pyodide
    this.sitePackages = sitePackages
  }

  get module(): PythonModule {
    return Reflect.get(this.#pyodide, '_module')
  }

  /** Copy the memory, with what Pyodide puts before it. Only of one that was booted to be kept. */
  takeMemory(): Uint8Array<ArrayBuffer> {
    const { makeMemorySnapshot } = this.#pyodide as object as Snapshottable
    return makeMemorySnapshot()
  }

  get scratch(): ScratchFS {
    return this.#pyodide.FS as object as ScratchFS
  }

  get FS(): EmscriptenFS {
    return this.#mountable
  }

  mount(fs: OpfsFS, path: string): void {
    this.#mountable.mkdir(path)
    this.#mountable.mount(fs, {}, path)
  }

  /** Make the packages in an archive importable. */
  unpack(archive: Archive, bytes: Uint8Array): void {
    this.#pyodide.unpackArchive(bytes, archive.format, { extractDir: this.sitePackages })
  }

  /** Return a module's proxy. Who asks for it destroys it. */
  import(module: string): ReturnType<PyodideInterface['pyimport']> {
    return this.#pyodide.pyimport(module)
  }

  /** Let whoever shares *signal* interrupt Python by writing a signal's number there. */
  heed(signal: Uint8Array): void {
    this.#pyodide.setInterruptBuffer(signal)
  }

  /** Tell *listener* when the interpreter has died: no call will be answered any more. */
  onFatal(listener: (error: unknown) => void): void {
    Reflect.set(Reflect.get(this.#pyodide, '_api'), 'on_fatal', listener)
  }

  get #mountable(): MountableFS {
    return this.#pyodide.FS as unknown as MountableFS
  }
}

/** Boot the interpreter of *runtime*. Nothing is fetched from another origin. */
export async function bootPython(runtime: Runtime, start: Start): Promise<Python> {
  const { base, stdlib } = runtime
  let sitePackages = ''
  try {
    const [{ loadPyodide }, { default: create }] = await runtime.scripts
    const hooked = withSyncHook(create)
    const isRestored = start.kind === 'from a snapshot'
    const options = {
      indexURL: base,
      // Left alone it is a CDN.
      packageBaseUrl: base,
      stdLibURL: stdlib,
      createPyodideModule: isRestored ? withSnapshot(hooked, start.snapshot) : hooked,
      fsInit: async (_FS: unknown, info: { readonly sitePackages: string }) => {
        sitePackages = info.sitePackages
      },
      ...(isRestored && { _loadSnapshot: start.snapshot.header }),
      ...(start.kind === 'to be kept' && { _makeSnapshot: true }),
    }
    const load: (options: object) => Promise<PyodideInterface> = loadPyodide
    const pyodide = await withFairTurns(() =>
      withFetched(runtime, () => untilLoadFails(() => load(options))),
    )
    return new Python(pyodide, sitePackages)
  } catch (error) {
    if (error instanceof OutOfReach) throw error
    const message = `Python could not be loaded from ${base}: ${reasonOf(error)}`
    throw new DurablyError('boot_failed', message, { cause: error })
  }
}
