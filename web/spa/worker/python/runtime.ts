/** Pyodide's own files, fetched and compiled ahead of the boot that wants them. */

import { reasonOf } from '../../bridge/failure'
import { fetchBytes, OutOfReach } from './fetch-bytes'
import type { Manifest } from './manifest'
import type { CreateModule } from './module'

export interface Runtime {
  /** URL of the folder that holds Pyodide's files. */
  readonly base: string
  readonly scripts: Promise<readonly [typeof import('pyodide'), { default: CreateModule }]>
  /** Null where Pyodide reads its files itself: under Node, where the tests run. */
  readonly compiled: { readonly url: string; readonly module: Promise<WebAssembly.Module> } | null
}

/** Begin to fetch the runtime that *manifest* names. What goes wrong is told to whoever boots. */
export function fetchRuntime(manifest: Manifest, manifestUrl: string): Runtime {
  const base = new URL(manifest.pyodide.base, manifestUrl).href
  const scripts = Promise.all([
    importScript<typeof import('pyodide')>(`${base}pyodide.mjs`),
    importScript<{ default: CreateModule }>(`${base}pyodide.asm.mjs`),
  ])
  scripts.catch(() => {})
  if (typeof WorkerGlobalScope === 'undefined') return { base, scripts, compiled: null }
  const url = `${base}pyodide.asm.wasm`
  const module = compile(url)
  module.catch(() => {})
  return { base, scripts, compiled: { url, module } }
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
 * Do *load* with a Pyodide that takes the compiled module instead of fetching it once more. Rejects as
 * soon as a file cannot be fetched: Pyodide goes on without some of them, and fails without a reason.
 */
export async function withCompiled<T>({ compiled }: Runtime, load: () => Promise<T>): Promise<T> {
  if (!compiled) return load()
  const { fetch } = globalThis
  const { instantiateStreaming } = WebAssembly
  try {
    return await new Promise<T>((resolve, reject) => {
      globalThis.fetch = async (input, init) => {
        if (input === compiled.url) return new Response()
        const bytes = fetchBytes(String(input), init, fetch)
        bytes.catch(reject)
        return new Response(await bytes)
      }
      WebAssembly.instantiateStreaming = async (_source, imports) => {
        const module = await compiled.module
        return { module, instance: await WebAssembly.instantiate(module, imports) }
      }
      load().then(resolve, reject)
    })
  } finally {
    globalThis.fetch = fetch
    WebAssembly.instantiateStreaming = instantiateStreaming
  }
}
