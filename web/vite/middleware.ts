/** What Vite's servers need beside their own: isolation, and the parts that Python boots from. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { lookup } from 'mrmime'
import { IMMUTABLE, ISOLATION } from '../node/headers'
import type { Parts } from '../node/parts'

type Next = (error?: unknown) => void

/** Send the headers that a page needs to be isolated, with everything. */
export function isolate(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value)
  next()
}

/** The names in *folder* change with what is in the files, wherever the app is served. */
export function keepForever(folder: string) {
  return (request: IncomingMessage, response: ServerResponse, next: Next): void => {
    const { writeHead } = response
    if (pathOf(request).includes(folder)) {
      // A 404 must not be kept: the file may come with the next deploy.
      response.writeHead = (status: number, ...rest: unknown[]) => {
        if (status < 300) response.setHeader('Cache-Control', IMMUTABLE)
        return Reflect.apply(writeHead, response, [status, ...rest])
      }
    }
    next()
  }
}

/** Serve the newest parts under *prefix*; manifest and worker by names that do not change, too. */
export function serveParts(prefix: string, newest: () => Promise<Parts>) {
  return async (request: IncomingMessage, response: ServerResponse, next: Next): Promise<void> => {
    const path = pathOf(request)
    if (!path.startsWith(prefix)) return next()
    try {
      const parts = await newest()
      const name = path.slice(prefix.length)
      const file =
        name === 'manifest.json'
          ? parts.manifest
          : name === 'worker.js'
            ? parts.worker
            : parts.files.find((one) => one.path === name)
      if (!file) {
        response.statusCode = 404
        response.end()
        return
      }
      response.setHeader('Content-Type', lookup(name) ?? 'application/octet-stream')
      response.setHeader('Content-Length', file.bytes.length)
      response.setHeader('Cache-Control', file.path === name ? IMMUTABLE : 'no-cache')
      response.end(file.bytes)
    } catch (error) {
      next(error)
    }
  }
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? '/', 'http://localhost').pathname
}
