/** Give a new Python module the memory, the libraries and the files of a snapshot. */

import type { Library, Snapshot } from '../memory/kept'
import type { CreateModule, PythonModule } from './module'

/** Return *create*, whose module goes on from *snapshot*: what Pyodide restores itself is the header. */
export function withSnapshot(create: CreateModule, snapshot: Snapshot): CreateModule {
  return async (settings) => {
    const [module, compiled] = await Promise.all([
      create(settings),
      compile(snapshot.libraries, snapshot.files),
    ])
    const usedBefore = module.HEAPU8.length
    module.growMemory(snapshot.memorySize)
    writeFiles(module, snapshot.files)
    for (const [library, code] of compiled) loadAt(module, library, code)
    if (module.wasmTable.length !== snapshot.tableSize) {
      throw new Error('its functions are not where they were')
    }
    if (module.HEAPU8.length !== snapshot.memorySize) throw new Error('its memory has another size')
    // Last: what the libraries wrote when they were loaded is in it, and what came of that.
    writeMemory(module.HEAPU8, snapshot, usedBefore)
    return module
  }
}

/** Memory from *usedBefore* on is new, and zero. */
function writeMemory(memory: Uint8Array, { runs, memory: bytes }: Snapshot, usedBefore: number) {
  let from = 0
  let end = 0
  for (const [start, length] of runs) {
    memory.fill(0, Math.min(end, usedBefore), Math.min(start, usedBefore))
    memory.set(bytes.subarray(from, from + length), start)
    from += length
    end = start + length
  }
  memory.fill(0, Math.min(end, usedBefore), usedBefore)
}

function writeFiles({ FS }: PythonModule, files: Snapshot['files']): void {
  const folders = new Set([...files.keys()].map((path) => path.slice(0, path.lastIndexOf('/'))))
  for (const folder of folders) FS.mkdirTree(folder)
  for (const [path, bytes] of files) FS.writeFile(path, bytes, { canOwn: true })
}

/** Compile the libraries, in the order of their places. */
function compile(
  libraries: readonly Library[],
  files: Snapshot['files'],
): Promise<(readonly [Library, WebAssembly.Module])[]> {
  return Promise.all(
    libraries.map(async (library) => {
      const bytes = files.get(library.path)
      if (!bytes) throw new Error(`the library ${library.path} is missing`)
      return [library, await WebAssembly.compile(bytes)] as const
    }),
  )
}

function loadAt(
  module: PythonModule,
  { path, handle, memoryBase, tableBase }: Library,
  compiled: WebAssembly.Module,
): void {
  if (module.wasmTable.length !== tableBase) {
    throw new Error('its functions are not where they were')
  }
  const library = module.newDSO(path, handle, 'loading')
  library.refcount = Number.POSITIVE_INFINITY
  library.global = false
  const { Instance } = WebAssembly
  try {
    WebAssembly.Instance = instanceAt(Instance, memoryBase, tableBase)
    library.exports = module.loadWebAssemblyModule(
      compiled,
      { nodelete: true, global: false, allowUndefined: true },
      path,
      {},
      0,
    )
  } finally {
    WebAssembly.Instance = Instance
  }
}

/** Emscripten chooses a library's place itself, and tells it by these two imports only. */
function instanceAt(
  Instance: typeof WebAssembly.Instance,
  memoryBase: number,
  tableBase: number,
): typeof WebAssembly.Instance {
  const forced: Record<PropertyKey, number> = {
    __memory_base: memoryBase,
    __table_base: tableBase,
  }
  return new Proxy(Instance, {
    construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
      const env = new Proxy(imports.env ?? {}, {
        get: (given, name) => forced[name] ?? Reflect.get(given, name),
      })
      return new target(module, { ...imports, env, wasi_snapshot_preview1: env })
    },
  })
}
