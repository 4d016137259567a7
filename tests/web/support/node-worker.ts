/** The real host and the real Python in this process, on memory instead of a disk. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { vi } from 'vitest'
import type { FromWorker, ToWorker } from '../../../web/spa/bridge/protocol'
import type { Manifest } from '../../../web/spa/worker/python/manifest'
import { MemoryLocks } from './memory-locks'
import { type MemoryOpfs, readNow } from './memory-opfs'

/** Below node_modules, so that Vite leaves it to Node. */
const ASSETS = fileURLToPath(
  new URL('../../../node_modules/.cache/durably-test-assets/', import.meta.url),
)

const [CLI, JOBS] = ['../../../dist/package/cli.js', '../../../web/demo/jobs'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
) as [string, string]

/** Build what a browser would fetch; return the manifest's URL. */
export function buildManifest(): string {
  execFileSync(process.execPath, [CLI, 'build', JOBS, '--out', ASSETS], { stdio: 'pipe' })
  const manifest: Manifest = JSON.parse(readFileSync(join(ASSETS, 'manifest.json'), 'utf8'))
  // Under Node, Pyodide takes a path where a browser's takes a URL.
  const base = join(ASSETS, manifest.pyodide.base)
  const folder = join(ASSETS, 'node')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'pyodide.mjs'),
    `import { fileURLToPath } from 'node:url'
import { loadPyodide as load } from '../${manifest.pyodide.base}pyodide.mjs'
export const loadPyodide = (options) =>
  load({
    ...options,
    indexURL: ${JSON.stringify(base)},
    packageBaseUrl: undefined,
    stdLibURL: fileURLToPath(options.stdLibURL),
  })\n`,
  )
  writeFileSync(
    join(folder, 'pyodide.asm.mjs'),
    `export { default } from '../${manifest.pyodide.base}pyodide.asm.mjs'\n`,
  )
  const url = pathToFileURL(join(ASSETS, 'node.json'))
  const pyodide = { ...manifest.pyodide, base: 'node/' }
  writeFileSync(url, JSON.stringify({ ...manifest, pyodide }))
  return url.href
}

/** Node has no FileReaderSync. */
class MemoryReader {
  readAsArrayBuffer(piece: Blob): ArrayBuffer {
    return readNow(piece).buffer
  }
}

/** Give this process the globals of a worker whose disk is *opfs*. */
export function stubWorkerGlobals(opfs: MemoryOpfs): void {
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('FileReaderSync', MemoryReader)
  vi.stubGlobal('FileSystemFileHandle', { prototype: { createSyncAccessHandle: () => {} } })
  vi.stubGlobal('navigator', {
    userAgent: 'Node',
    locks: new MemoryLocks(),
    storage: {
      getDirectory: async () => opfs.root,
      estimate: async () => ({ usage: opfs.used, quota: opfs.quota }),
      persisted: async () => opfs.isPersisted,
      persist: async () => {
        opfs.isPersisted = true
        return true
      },
    },
  })
  vi.stubGlobal('fetch', async (url: string) => {
    const path = fileURLToPath(url)
    return new Response(new Uint8Array(readFileSync(path)))
  })
}

/** Does nothing: a second Python would slow the tests of the first. */
class IdleWorker extends EventTarget implements Worker {
  onmessage = null
  onmessageerror = null
  onerror = null
  postMessage(): void {}
  terminate(): void {}
}

/** Stands for a `Worker`: its script is the host, in this process. */
export class NodeWorker extends EventTarget implements Worker {
  onmessage = null
  onmessageerror = null
  onerror = null
  isTerminated = false
  readonly #scope = new EventTarget()

  /** What gives *worker* first, and then such as would make a snapshot. */
  static makes(worker: NodeWorker): () => Worker {
    let made = 0
    return () => (made++ === 0 ? worker : new IdleWorker())
  }

  static async start(): Promise<NodeWorker> {
    const { startHost } = await import('../../../web/spa/worker/host')
    const worker = new NodeWorker()
    const scope = worker.#scope
    startHost({
      addEventListener: scope.addEventListener.bind(scope),
      postMessage: (message: FromWorker) => worker.#tell(message),
    })
    return worker
  }

  postMessage(message: ToWorker): void {
    // Node clones no `File` of ours.
    const holdsFile = message.kind === 'put-blob' || message.kind === 'files'
    const data = holdsFile ? message : structuredClone(message)
    setImmediate(() => this.#scope.dispatchEvent(new MessageEvent('message', { data })))
  }

  /** Hear nothing more of it. Python cannot be stopped here; the test takes its disk away. */
  terminate(): void {
    this.isTerminated = true
  }

  #tell(message: FromWorker): void {
    const holdsFile = message.kind === 'answer' && message.ok && message.result instanceof Blob
    const data = holdsFile ? message : structuredClone(message)
    setImmediate(() => {
      if (!this.isTerminated) this.dispatchEvent(new MessageEvent('message', { data }))
    })
  }
}
