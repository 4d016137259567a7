/** What hosts are told, as each host's own package reads it. */

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllHeaders } from '@netlify/headers-parser'
import { getTransformedRoutes } from '@vercel/routing-utils'
import { expect, test } from 'vitest'
import { policiesOf } from '../../../web/node/csp'
import {
  headerRules,
  headersFor,
  IMMUTABLE,
  netlifyHeaders,
  netlifyToml,
  vercelJson,
} from '../../../web/node/headers'

const RULES = headerRules({
  base: '/desk/',
  assetsDir: 'assets',
  fresh: ['', 'index.html'],
  csp: policiesOf({}),
})
const PATHS = [
  '/desk/',
  '/desk/index.html',
  '/desk/assets/a.js',
  '/desk/assets/durably/worker.js',
  '/',
]

interface Read {
  readonly pattern: RegExp
  readonly values: Readonly<Record<string, string>>
}

/** What the last value of each name is, as in `headersFor`. */
const sentBy = (rules: readonly Read[], path: string) =>
  Object.assign(
    {},
    ...rules.filter(({ pattern }) => pattern.test(path)).map(({ values }) => values),
  )

async function asNetlifyReads(name: '_headers' | 'netlify.toml', text: string): Promise<Read[]> {
  const folder = await mkdtemp(join(tmpdir(), 'durably-headers-'))
  try {
    const file = join(folder, name)
    await writeFile(file, text)
    const { headers, errors } = await parseAllHeaders({
      headersFiles: name === '_headers' ? [file] : [],
      netlifyConfigPath: name === '_headers' ? undefined : file,
      configHeaders: [],
      minimal: false,
    })
    expect(errors).toEqual([])
    return headers.map((header) => {
      if (!('forRegExp' in header)) throw new Error('no pattern')
      return { pattern: header.forRegExp, values: header.values }
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

test.each([
  ['_headers', netlifyHeaders(RULES)],
  ['netlify.toml', netlifyToml(RULES)],
] as const)('Netlify reads %s as it is meant', async (name, text) => {
  const rules = await asNetlifyReads(name, text)

  for (const path of PATHS) expect(sentBy(rules, path)).toEqual(headersFor(RULES, path))
})

test('Vercel reads vercel.json as it is meant', () => {
  const { headers } = JSON.parse(vercelJson(RULES, null))
  const { routes, error } = getTransformedRoutes({ headers })

  expect(error).toBeNull()
  const rules = (routes ?? []).flatMap(({ src = '', ...route }) =>
    'headers' in route ? [{ pattern: new RegExp(src), values: { ...route.headers } }] : [],
  )
  for (const path of PATHS) expect(sentBy(rules, path)).toEqual(headersFor(RULES, path))
})

test("the demo's own vercel.json is what the command writes", () => {
  const rules = headerRules({
    base: '/',
    assetsDir: 'assets',
    fresh: ['', 'index.html', 'sw.js'],
    csp: policiesOf({}),
  })
  const text = readFileSync('vercel.json', 'utf8')

  expect(vercelJson(rules, text)).toBe(text)
})

test('what is in vercel.json already stays, and is not repeated', () => {
  const own = { cleanUrls: true, headers: [{ source: '/x', headers: [{ key: 'A', value: 'b' }] }] }
  const once = vercelJson(RULES, JSON.stringify(own))

  const { headers, ...others } = JSON.parse(once)
  expect(others).toEqual({ cleanUrls: true })
  expect(headers[0]).toEqual(own.headers[0])
  expect(headers).toHaveLength(1 + RULES.length)
  expect(vercelJson(RULES, once)).toBe(once)
})

test('only files that are named by their content are kept for ever', () => {
  const caching = (path: string) => headersFor(RULES, path)['Cache-Control']

  expect(PATHS.map(caching)).toEqual(['no-cache', 'no-cache', IMMUTABLE, IMMUTABLE, undefined])
})

test('directives of an app take the place of ours, in the worker where it needs them', () => {
  const { page, worker, everywhere } = policiesOf({
    'connect-src': "'self' https://api.example",
    'frame-ancestors': "'self'",
    'upgrade-insecure-requests': '',
  })

  expect(page).toContain("connect-src 'self' https://api.example; ")
  expect(page).toContain('upgrade-insecure-requests')
  expect(page).not.toContain('wasm')
  expect(page).not.toContain('frame-ancestors')
  expect(worker).toBe(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
      "connect-src 'self' https://api.example; frame-ancestors 'self'",
  )
  expect(everywhere).toBe("frame-ancestors 'self'")
})

test.each([
  ['img-src', "'self'; script-src *"],
  ['img-src', "'self', default-src *"],
  ['img-src\nX-Own', "'self'"],
])('a directive %j of %j is refused', (name, value) => {
  expect(() => policiesOf({ [name]: value })).toThrow('no directive')
})
