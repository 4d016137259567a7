/** The demo app: its dev server, its build and the preview that `npm start` serves. */

import { createReadStream, readdirSync, statSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { type Connect, defineConfig, type Plugin } from 'vite'
import { buildAssets } from './scripts/build-assets.mjs'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const demo = at('./web/demo')
const dist = at('./dist/demo')

/** Without these a page has no SharedArrayBuffer; the worker's own script needs them too. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** These names carry a version or a hash of their content. */
const NEVER_CHANGES = /^\/(assets\/|durably\/(pyodide-|wheels\/|[a-z]+-[0-9a-f]{12}\.zip))/

/** The file under *folder* that a request asks for. */
function fileOf(folder: string, request: IncomingMessage): { path: string; size: number } | null {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const path = join(folder, pathname)
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats?.isFile() ? { path, size: stats.size } : null
}

function setHeaders(folder: string): Connect.NextHandleFunction {
  return (request, response, next) => {
    for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value)
    // A 404 must not be kept: the file may come with the next deploy.
    const immutable = NEVER_CHANGES.test(request.url ?? '') && fileOf(folder, request) !== null
    const life = immutable ? 'public, max-age=31536000, immutable' : 'no-cache'
    response.setHeader('Cache-Control', life)
    next()
  }
}

/** Vite refuses to serve a file of publicDir to `import()`, and Python's own modules come that way. */
function serveAssets(folder: string): Connect.NextHandleFunction {
  return (request, response, next) => {
    const file = fileOf(folder, request)
    if (!file) return next()
    response.setHeader(
      'Content-Type',
      MEDIA_TYPES[extname(file.path)] ?? 'application/octet-stream',
    )
    response.setHeader('Content-Length', file.size)
    createReadStream(file.path).pipe(response)
  }
}

function durablyAssets(): Plugin {
  const python = [at('./py/durably'), join(demo, 'jobs')]
  return {
    name: 'durably:assets',
    configureServer(server) {
      server.middlewares.use(setHeaders(join(demo, 'public')))
      server.middlewares.use('/durably/', serveAssets(join(demo, 'public', 'durably')))
      server.watcher.add(python)
      server.watcher.on('all', (_event, path) => {
        if (!python.some((folder) => path.startsWith(folder))) return
        if (buildAssets()) server.ws.send({ type: 'full-reload' })
      })
    },
    configurePreviewServer(server) {
      server.middlewares.use(setHeaders(dist))
    },
  }
}

const pages = readdirSync(demo).filter((name) => extname(name) === '.html')

export default defineConfig({
  root: demo,
  // What is not there is a 404, not the start page: a missing asset must say so.
  appType: 'mpa',
  plugins: [react(), durablyAssets()],
  worker: { format: 'es' },
  // The demo imports the library from its source, beside its own folder.
  server: { port: 5173, strictPort: true, fs: { allow: [at('.')] } },
  preview: { port: 4173, strictPort: true },
  build: {
    outDir: dist,
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
    rolldownOptions: { input: pages.map((name) => join(demo, name)) },
    // Chunks are for the page; Python's runtime is far bigger than any of them.
    chunkSizeWarningLimit: 1024,
  },
})
