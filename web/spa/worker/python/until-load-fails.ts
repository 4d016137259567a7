/** Hears of what goes wrong while Pyodide loads: some of it Pyodide keeps to itself, and waits for ever. */

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
