/** Pyodide's own files, fetched and compiled ahead of the boot that wants them. */

import { reasonOf } from '../../bridge/failure'
import { fetchBytes, OutOfReach } from './fetch-bytes'
import type { Manifest } from './manifest'
import type { CreateModule } from './module'

export interface Runtime {
  /** URL of the folder that holds Pyodide's files. */
  readonly base: string
  /** URL of Python's standard library. */
  readonly stdlib: string
  readonly scripts: Promise<readonly [typeof import('pyodide'), { default: CreateModule }]>
  /** Null where Pyodide reads its files itself: under Node, where the tests run. */
  readonly ahead: Ahead | null
}

/** What Pyodide would fetch only when it comes to it, by URL. */
interface Ahead {
  readonly wasm: { readonly url: string; readonly module: Promise<WebAssembly.Module> }
  readonly files: ReadonlyMap<string, Promise<ArrayBuffer>>
}

/** Begin to fetch the runtime that *manifest* names. What goes wrong is told to whoever boots. */
export function fetchRuntime(manifest: Manifest, manifestUrl: string): Runtime {
  const [base, stdlib] = [manifest.pyodide.base, manifest.pyodide.stdlib].map(
    (path) => new URL(path, manifestUrl).href,
  ) as [string, string]
  const scripts = Promise.all([
    importScript<typeof import('pyodide')>(`${base}pyodide.mjs`),
    importScript<{ default: CreateModule }>(`${base}pyodide.asm.mjs`),
  ])
  scripts.catch(() => {})
  if (typeof WorkerGlobalScope === 'undefined') return { base, stdlib, scripts, ahead: null }
  const url = `${base}pyodide.asm.wasm`
  const module = compile(url)
  module.catch(() => {})
  const files = new Map(
    [`${base}pyodide-lock.json`, stdlib].map((file) => [file, fetchBytes(file)]),
  )
  for (const bytes of files.values()) bytes.catch(() => {})
  return { base, stdlib, scripts, ahead: { wasm: { url, module }, files } }
}

/** A failed `import()` does not say why; a fetch of the same file does. */
async function importScript<Script>(url: string): Promise<Script> {
  try {
    return await import(/* @vite-ignore */ url)
  } catch (error) {
    await fetchBytes(url)
    // What is wrong in the script itself is no TypeError. So it is there, and did not come just now.
    if (!(error instanceof TypeError)) throw error
    throw new OutOfReach(`${url} could not be loaded: ${reasonOf(error)}`, { cause: error })
  }
}

/** Neither does a compiler that reads from a stream. */
async function compile(url: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compileStreaming(fetch(url))
  } catch {
    return WebAssembly.compile(await fetchBytes(url))
  }
}

/**
 * Do *load* with a Pyodide that takes what is fetched already instead of fetching it once more. Rejects as
 * soon as a file cannot be fetched: Pyodide goes on without some of them, and fails without a reason.
 */
export async function withFetched<T>({ ahead }: Runtime, load: () => Promise<T>): Promise<T> {
  if (!ahead) return load()
  const { wasm, files } = ahead
  const { fetch } = globalThis
  const { instantiateStreaming } = WebAssembly
  try {
    return await new Promise<T>((resolve, reject) => {
      globalThis.fetch = async (input, init) => {
        const url = String(input)
        if (url === wasm.url) return new Response()
        const bytes = files.get(url) ?? fetchBytes(url, init, fetch)
        bytes.catch(reject)
        return new Response(await bytes)
      }
      WebAssembly.instantiateStreaming = async (_source, imports) => {
        const module = await wasm.module
        return { module, instance: await WebAssembly.instantiate(module, imports) }
      }
      load().then(resolve, reject)
    })
  } finally {
    globalThis.fetch = fetch
    WebAssembly.instantiateStreaming = instantiateStreaming
  }
}
