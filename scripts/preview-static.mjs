/**
 * Serve a built folder as a static host would: nothing of Vite's, and the headers that the host is told of, read by the
 * host's own package. `--dir dist/demo --port 4173 --base / --headers netlify` or `vercel`; `--also lab`: a folder in it
 * that was built by itself, with headers of its own.
 */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAllHeaders } from '@netlify/headers-parser'
import { getTransformedRoutes } from '@vercel/routing-utils'
import sirv from 'sirv'
import { at } from './paths.mjs'

/** `_headers`, as Netlify reads it: all values of a name are sent. An app in a folder has its own, and only those. */
async function netlifyHeaders(folder, also) {
  const own = await readHeaders(folder)
  const others = await Promise.all(
    also.map(async (part) => ({
      below: `/${part}/`,
      rules: await readHeaders(join(folder, part)),
    })),
  )
  return (path) => {
    const { rules } = others.find(({ below }) => path.startsWith(below)) ?? { rules: own }
    const sent = new Headers()
    for (const { values } of rules.filter(({ forRegExp }) => forRegExp.test(path))) {
      for (const [name, value] of Object.entries(values)) sent.append(name, value)
    }
    return sent
  }
}

async function readHeaders(folder) {
  const { headers, errors } = await parseAllHeaders({
    headersFiles: [join(folder, '_headers')],
    configHeaders: [],
    minimal: false,
  })
  if (errors.length > 0) throw new AggregateError(errors, '_headers cannot be read')
  return headers
}

/** `vercel.json`, as Vercel reads it: of several values of a name the last is sent. */
function vercelHeaders() {
  const { headers } = JSON.parse(readFileSync(at('vercel.json'), 'utf8'))
  const { routes, error } = getTransformedRoutes({ headers })
  if (error) throw new Error(error.message)
  const rules = routes.filter(({ src, headers }) => src && headers)
  return (path) =>
    new Headers(
      Object.assign(
        {},
        ...rules.filter(({ src }) => new RegExp(src).test(path)).map(({ headers }) => headers),
      ),
    )
}

const HOSTS = { netlify: netlifyHeaders, vercel: vercelHeaders, none: () => () => new Headers() }

/**
 * Begin to serve; resolves with the server.
 * @param {{ folder: string, port: number, base?: string, host?: keyof typeof HOSTS, also?: readonly string[] }} options
 */
export async function serveStatic({ folder, port, base = '/', host = 'netlify', also = [] }) {
  const headersOf = await HOSTS[host](folder, also)
  const files = sirv(folder, { dev: true, etag: true })
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const sent = headersOf(pathname)
    const caching = sent.get('Cache-Control')
    sent.delete('Cache-Control')
    for (const [name, value] of sent) response.setHeader(name, value)
    const { writeHead } = response
    response.writeHead = (status, fields) => {
      const own = caching !== null && status < 400 ? { 'Cache-Control': caching } : {}
      return Reflect.apply(writeHead, response, [status, { ...fields, ...own }])
    }
    const missing = () => {
      response.writeHead(404, { 'Content-Type': 'text/plain' })
      response.end('not found')
    }
    if (!pathname.startsWith(base)) return missing()
    request.url = `/${request.url.slice(base.length)}`
    files(request, response, missing)
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => resolve(undefined))
  })
  return server
}

if (process.argv[1] === at('scripts', 'preview-static.mjs')) {
  const { values } = parseArgs({
    options: {
      dir: { type: 'string', default: 'dist/demo' },
      port: { type: 'string', default: '4173' },
      base: { type: 'string', default: '/' },
      headers: { type: 'string', default: 'netlify' },
      also: { type: 'string', multiple: true, default: [] },
    },
  })
  const { dir, port, base, headers, also } = values
  if (!Object.hasOwn(HOSTS, headers)) throw new Error(`--headers: ${Object.keys(HOSTS).join(', ')}`)
  await serveStatic({ folder: at(dir), port: Number(port), base, host: headers, also })
  console.log(`${dir} at http://localhost:${port}${base}, headers: ${headers}`)
}
