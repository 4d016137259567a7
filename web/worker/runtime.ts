/** Pyodide's own files, fetched and compiled ahead of the boot that wants them. */

import type { Manifest } from './manifest'
import type { CreateModule } from './python-module'

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
    import(/* @vite-ignore */ `${base}pyodide.mjs`) as Promise<typeof import('pyodide')>,
    import(/* @vite-ignore */ `${base}pyodide.asm.mjs`) as Promise<{ default: CreateModule }>,
  ])
  scripts.catch(() => {})
  if (typeof WorkerGlobalScope === 'undefined') return { base, scripts, compiled: null }
  const url = `${base}pyodide.asm.wasm`
  const module = WebAssembly.compileStreaming(fetch(url))
  module.catch(() => {})
  return { base, scripts, compiled: { url, module } }
}

/** Do *load* with a Pyodide that takes the compiled module instead of fetching it once more. */
export async function withCompiled<T>({ compiled }: Runtime, load: () => Promise<T>): Promise<T> {
  if (!compiled) return load()
  const { fetch } = globalThis
  const { instantiateStreaming } = WebAssembly
  try {
    globalThis.fetch = (input, init) =>
      input === compiled.url ? Promise.resolve(new Response()) : fetch(input, init)
    WebAssembly.instantiateStreaming = async (_source, imports) => {
      const module = await compiled.module
      return { module, instance: await WebAssembly.instantiate(module, imports) }
    }
    return await load()
  } finally {
    globalThis.fetch = fetch
    WebAssembly.instantiateStreaming = instantiateStreaming
  }
}
