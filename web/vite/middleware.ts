/** What Vite's servers need beside their own: isolation, and the parts that Python boots from. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { lookup } from 'mrmime'
import { type HeaderRule, headersFor, IMMUTABLE, ISOLATION } from '../node/headers'
import type { Parts } from '../node/parts'

type Next = (error?: unknown) => void

/** Send the headers that a page needs to be isolated, with everything. */
export function isolate(_request: IncomingMessage, response: ServerResponse, next: Next): void {
  for (const [name, value] of Object.entries(ISOLATION)) response.setHeader(name, value)
  next()
}

/** Send what a host is told to send. */
export function sendHeaders(rules: readonly HeaderRule[]) {
  return (request: IncomingMessage, response: ServerResponse, next: Next): void => {
    const { writeHead } = response
    const { 'Cache-Control': caching, ...others } = headersFor(rules, pathOf(request))
    for (const [name, value] of Object.entries(others)) response.setHeader(name, value)
    if (caching !== undefined) {
      // A 404 must not be kept: the file may come with the next deploy.
      response.writeHead = (status: number, ...rest: unknown[]) => {
        if (status < 300) response.setHeader('Cache-Control', caching)
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
