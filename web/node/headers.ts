/** What a host must be told: the headers by which a page is isolated, in the forms that hosts read. */

/** Without these a page has no SharedArrayBuffer; the worker's own script needs them too. */
export const ISOLATION: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export const IMMUTABLE = 'public, max-age=31536000, immutable'

/** `_headers`, as Netlify and Cloudflare Pages read it from the folder that is published. */
export function netlifyHeaders(immutable: readonly string[]): string {
  const all = Object.entries(ISOLATION).map(([name, value]) => `  ${name}: ${value}`)
  const paths = immutable.flatMap((path) => ['', path, `  Cache-Control: ${IMMUTABLE}`])
  return `${['/*', ...all, ...paths].join('\n')}\n`
}

/** `netlify.toml` for a repository. */
export function netlifyToml(immutable: readonly string[]): string {
  const section = (path: string, values: Readonly<Record<string, string>>) => [
    '[[headers]]',
    `  for = ${JSON.stringify(path)}`,
    '  [headers.values]',
    ...Object.entries(values).map(([name, value]) => `    ${name} = ${JSON.stringify(value)}`),
  ]
  const sections = [
    section('/*', ISOLATION),
    ...immutable.map((path) => section(path, { 'Cache-Control': IMMUTABLE })),
  ]
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

interface VercelRule {
  readonly source: string
  readonly headers: readonly { readonly key: string; readonly value: string }[]
}

/** `vercel.json`, with what *text*, the one that is there, says of other things. */
export function vercelJson(immutable: readonly string[], text: string | null): string {
  const known: { headers?: readonly VercelRule[] } = text === null ? {} : JSON.parse(text)
  const rules: VercelRule[] = [
    rule('/(.*)', ISOLATION),
    ...immutable.map((path) => rule(path.replace('*', '(.*)'), { 'Cache-Control': IMMUTABLE })),
  ]
  const own = new Set(rules.map(({ source }) => source))
  const others = (known.headers ?? []).filter(({ source }) => !own.has(source))
  return `${JSON.stringify({ ...known, headers: [...others, ...rules] }, null, 2)}\n`
}

function rule(source: string, values: Readonly<Record<string, string>>): VercelRule {
  return { source, headers: Object.entries(values).map(([key, value]) => ({ key, value })) }
}
