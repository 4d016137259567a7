/** `durably-py headers`: what a host is to be told of. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { netlifyToml, vercelJson } from '../headers'

/** What Vite and `durably-py build` name by its content. */
const IMMUTABLE = ['/assets/*']
const VERCEL = 'vercel.json'

export async function headers(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { netlify: { type: 'boolean' }, vercel: { type: 'boolean' } },
  })
  if (values.netlify === values.vercel) throw new Error('give --netlify or --vercel')
  if (values.netlify) process.stdout.write(netlifyToml(IMMUTABLE))
  else {
    const text = existsSync(VERCEL) ? readFileSync(VERCEL, 'utf8') : null
    writeFileSync(VERCEL, vercelJson(IMMUTABLE, text))
    process.stdout.write(`wrote ${VERCEL}\n`)
  }
  return 0
}
