/**
 * What is changed of Pyodide while it loads.
 *
 * SQLite's sync calls reach the file system, which stock Emscripten answers without asking it; the worker's
 * timers and messages have their turn between Python's tasks; and what goes wrong is heard of, some of which
 * Pyodide keeps to itself, and waits for ever.
 */

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

/**
 * A `MessageChannel` for one use: "call me soon". Posts that nobody has taken yet are one message.
 *
 * Pyodide's event loop posts a message for each callback, and takes all waiting callbacks at each
 * message. So its messages outnumber its callbacks more and more while Python has work, and every
 * timer and every message of the page waits in line behind them: for seconds, after seconds.
 */
class SoonChannel {
  readonly port1: { onmessage: ((event: MessageEvent) => void) | null } = { onmessage: null }
  readonly port2: { postMessage: (message: unknown) => void }

  constructor() {
    const channel = new RealChannel()
    let isPosted = false
    channel.port1.onmessage = (event) => {
      isPosted = false
      this.port1.onmessage?.(event)
    }
    this.port2 = {
      postMessage: (message) => {
        if (isPosted) return
        isPosted = true
        channel.port2.postMessage(message)
      },
    }
  }
}

const RealChannel = MessageChannel

/** Run *load*, which may keep a channel for its event loop; that one is fair. */
export async function withFairTurns<T>(load: () => Promise<T>): Promise<T> {
  Reflect.set(globalThis, 'MessageChannel', SoonChannel)
  try {
    return await load()
  } finally {
    Reflect.set(globalThis, 'MessageChannel', RealChannel)
  }
}

/** Do *load*, but reject when a WebAssembly module cannot be made or a rejection is left unhandled. */
export async function untilLoadFails<T>(load: () => Promise<T>): Promise<T> {
  const { instantiateStreaming } = WebAssembly
  const listening = new AbortController()
  try {
    return await new Promise<T>((resolve, reject) => {
      WebAssembly.instantiateStreaming = (source, imports) => {
        const instance = instantiateStreaming(source, imports)
        instance.catch(reject)
        return instance
      }
      // Node, where the tests run, has no such event; there it ends the process.
      globalThis.addEventListener?.('unhandledrejection', ({ reason }) => reject(reason), {
        signal: listening.signal,
      })
      load().then(resolve, reject)
    })
  } finally {
    listening.abort()
    WebAssembly.instantiateStreaming = instantiateStreaming
  }
}
