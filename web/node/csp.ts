/**
 * A Content-Security-Policy (CSP Level 3) that forbids everything remote and inline. The page's stands in its HTML, so that
 * it holds on hosts that send no headers; the worker's is sent with the worker's script, and is the only one that lets
 * WebAssembly be compiled.
 */

/** Directives by name, in the place of ours: `{ 'connect-src': "'self' https://api.example" }`. */
export type CspDirectives = Readonly<Record<string, string>>

export interface Csp {
  /** For a `meta` element of each page. */
  readonly page: string
  /** For the answers of the folder that the worker's script lies in. */
  readonly worker: string
  /** What a `meta` element cannot say, for every answer. */
  readonly everywhere: string
}

const PAGE: CspDirectives = {
  'default-src': "'none'",
  'script-src': "'self'",
  'worker-src': "'self'",
  'connect-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data: blob:",
  'font-src': "'self'",
  'media-src': "'self' blob:",
  'manifest-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
}

/** What a worker does, of all that: it fetches, and runs scripts. */
const OF_WORKER = ['default-src', 'script-src', 'worker-src', 'connect-src']

/** What a `meta` element cannot say. */
const EVERYWHERE: CspDirectives = { 'frame-ancestors': "'none'" }

export function policiesOf(own: CspDirectives): Csp {
  const all = Object.entries({ ...PAGE, ...EVERYWHERE, ...own })
  const only = (isWanted: (name: string) => boolean): CspDirectives =>
    Object.fromEntries(all.filter(([name]) => isWanted(name)))
  const everywhere = only((name) => name in EVERYWHERE)
  const worker = only((name) => OF_WORKER.includes(name))
  return {
    page: textOf(only((name) => !(name in EVERYWHERE))),
    // Where a host sends only the last header of a name, this one stands alone.
    worker: textOf({
      ...worker,
      'script-src': `${worker['script-src']} 'wasm-unsafe-eval'`,
      ...everywhere,
    }),
    everywhere: textOf(everywhere),
  }
}

function textOf(directives: CspDirectives): string {
  for (const [name, value] of Object.entries(directives)) {
    if (!/^[a-z-]+$/.test(name) || /[;,\r\n]/.test(value)) {
      throw new Error(`${name}: ${value} is no directive of a Content-Security-Policy`)
    }
  }
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`.trim())
    .join('; ')
}
