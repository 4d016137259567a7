/** The parts of Pyodide's Emscripten module that a memory snapshot needs. None of them is documented. */

export interface LoadedLibrary {
  readonly name: string
  refcount: number
  global: boolean
  exports: object | 'loading'
}

export interface PythonModule {
  HEAPU8: Uint8Array
  HEAPU32: Uint32Array
  readonly wasmTable: WebAssembly.Table
  readonly LDSO: {
    readonly loadedLibsByName: Readonly<Record<string, LoadedLibrary>>
    readonly loadedLibsByHandle: Readonly<Record<string, LoadedLibrary>>
  }
  readonly FS: PythonFiles
  _sqlite3_randomness(length: number, into: number): void
  growMemory(size: number): void
  newDSO(path: string, handle: number, exports: 'loading'): LoadedLibrary
  loadWebAssemblyModule(
    module: WebAssembly.Module,
    flags: object,
    path: string,
    localScope: object,
    handle: number,
  ): object
}

export interface PythonFiles {
  readdir(path: string): string[]
  stat(path: string): { readonly mode: number }
  isDir(mode: number): boolean
  readFile(path: string): Uint8Array<ArrayBuffer>
  writeFile(path: string, bytes: Uint8Array, options: { readonly canOwn: boolean }): void
  mkdirTree(path: string): void
}

/** The default export of `pyodide.asm.mjs`. */
export type CreateModule = (settings: object) => Promise<PythonModule>

/** Return every file under *folder* by its path. */
export function filesUnder(FS: PythonFiles, folder: string): Map<string, Uint8Array<ArrayBuffer>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const name of FS.readdir(folder).sort()) {
    if (name === '.' || name === '..') continue
    const path = `${folder}/${name}`
    if (!FS.isDir(FS.stat(path).mode)) files.set(path, FS.readFile(path))
    else for (const [below, bytes] of filesUnder(FS, path)) files.set(below, bytes)
  }
  return files
}
