/** `durably-py headers`: what a host is to be told of. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { policiesOf } from '../csp'
import { headerRules, netlifyToml, vercelJson } from '../headers'

const VERCEL = 'vercel.json'

export async function headers(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      netlify: { type: 'boolean' },
      vercel: { type: 'boolean' },
      csp: { type: 'boolean' },
    },
  })
  if (values.netlify === values.vercel) throw new Error('give --netlify or --vercel')
  const rules = headerRules({
    base: '/',
    assetsDir: 'assets',
    fresh: ['', 'index.html', 'sw.js'],
    csp: values.csp ? policiesOf({}) : null,
  })
  if (values.netlify) process.stdout.write(netlifyToml(rules))
  else {
    const text = existsSync(VERCEL) ? readFileSync(VERCEL, 'utf8') : null
    writeFileSync(VERCEL, vercelJson(rules, text))
    process.stdout.write(`wrote ${VERCEL}\n`)
  }
  return 0
}
