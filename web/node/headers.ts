/** What a host must be told: which headers go with which files, in the forms that hosts read. */

import type { Csp } from './csp'

/** Without these a page has no SharedArrayBuffer; the worker's own script needs them too. */
export const ISOLATION: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export const IMMUTABLE = 'public, max-age=31536000, immutable'
const CSP = 'Content-Security-Policy'

/** Headers of the answers below a path that ends in `*`, or of one path. */
export interface HeaderRule {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Hosting {
  /** Where the app is served; begins and ends with a slash. */
  readonly base: string
  /** The folder whose files are named by their content. */
  readonly assetsDir: string
  /** Paths below the base of files that keep their names. */
  readonly fresh?: readonly string[]
  readonly csp?: Csp | null
}

/**
 * No two rules that match one path name the same header, but for the policies: hosts that send both make a browser
 * hold to both (Netlify), and hosts that send the last one send the stricter one (Vercel).
 */
export function headerRules({ base, assetsDir, fresh = [], csp = null }: Hosting): HeaderRule[] {
  const everywhere = { ...ISOLATION, 'X-Content-Type-Options': 'nosniff' }
  return [
    { path: `${base}*`, headers: csp ? { ...everywhere, [CSP]: csp.everywhere } : everywhere },
    ...fresh.map((path) => ({ path: base + path, headers: { 'Cache-Control': 'no-cache' } })),
    { path: `${base}${assetsDir}/*`, headers: { 'Cache-Control': IMMUTABLE } },
    ...(csp ? [{ path: `${base}${assetsDir}/durably/*`, headers: { [CSP]: csp.worker } }] : []),
  ]
}

/** The headers of *path*: of several values for one name the last counts. */
export function headersFor(rules: readonly HeaderRule[], path: string): Record<string, string> {
  const matching = rules.filter((rule) =>
    rule.path.endsWith('*') ? path.startsWith(rule.path.slice(0, -1)) : path === rule.path,
  )
  return Object.assign({}, ...matching.map(({ headers }) => headers))
}

/** `_headers`, as Netlify and Cloudflare Pages read it from the folder that is published. */
export function netlifyHeaders(rules: readonly HeaderRule[]): string {
  const sections = rules.map(({ path, headers }) =>
    [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join('\n'),
  )
  return `${sections.join('\n\n')}\n`
}

/** `netlify.toml` for a repository. */
export function netlifyToml(rules: readonly HeaderRule[]): string {
  const sections = rules.map(({ path, headers }) =>
    [
      '[[headers]]',
      `  for = ${JSON.stringify(path)}`,
      '  [headers.values]',
      ...Object.entries(headers).map(([name, value]) => `    ${name} = ${JSON.stringify(value)}`),
    ].join('\n'),
  )
  return `${sections.join('\n\n')}\n`
}

interface VercelRule {
  readonly source: string
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

/** `vercel.json`, with what *text*, the one that is there, says of other things. */
export function vercelJson(rules: readonly HeaderRule[], text: string | null): string {
  const known: { headers?: readonly VercelRule[] } = text === null ? {} : JSON.parse(text)
  const own = rules.map(
    ({ path, headers }): VercelRule => ({
      source: path.replace(/\*$/, '(.*)'),
      headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
    }),
  )
  const sources = new Set(own.map(({ source }) => source))
  const others = (known.headers ?? []).filter(({ source }) => !sources.has(source))
  return `${JSON.stringify({ ...known, headers: [...others, ...own] }, null, 2)}\n`
}
