/** Makes SQLite's sync calls reach the file system: stock Emscripten answers them without asking it. */

type Imports = Record<string, Record<string, unknown>>
type Received = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void

interface Settings {
  instantiateWasm?: (imports: Imports, received: Received) => unknown
}

/** Return *create* (the default export of `pyodide.asm.mjs`) with `fdatasync` done by `fd_sync`. */
export function withSyncHook<S extends object, M>(create: (settings: S) => M): (settings: S) => M {
  return (settings) => {
    const hooked: Settings = settings
    const instantiate = hooked.instantiateWasm
    if (!instantiate) throw new TypeError('this Pyodide does not instantiate as expected')
    hooked.instantiateWasm = (imports, received) => {
      const { env, wasi_snapshot_preview1: wasi } = imports
      if (env && wasi) env.__syscall_fdatasync = wasi.fd_sync
      return instantiate(imports, received)
    }
    return create(settings)
  }
}
