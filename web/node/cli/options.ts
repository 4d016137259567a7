/** The options that commands share. */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultDistributionUrl, defaultIndexes } from '../packages/vendor'
import { Project } from '../project'

const SHARED = {
  package: { type: 'string', multiple: true },
  lock: { type: 'string', default: 'durably.lock.json' },
  index: { type: 'string', multiple: true },
  distribution: { type: 'string' },
} as const

/** Read a command's arguments; what it does not know is an error. */
export function read(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...SHARED,
      out: { type: 'string' },
      refs: { type: 'string' },
      check: { type: 'boolean', default: false },
    },
  })
  const [jobs, ...rest] = positionals
  if (jobs === undefined || rest.length > 0) throw new Error('give one folder of Python jobs')
  const project = new Project({
    jobs: resolve(jobs),
    packages: values.package ?? [],
    lockFile: resolve(values.lock),
    indexes: values.index?.map((url) => url.replace(/\/+$/, '')) ?? defaultIndexes(),
    distributionUrl: values.distribution ?? defaultDistributionUrl(),
    cache: cacheFolder(),
    say: (line) => process.stderr.write(`${line}\n`),
  })
  return { values, project }
}

function cacheFolder(): string {
  const modules = resolve('node_modules')
  return existsSync(modules) ? join(modules, '.durably-py') : resolve('.durably-py')
}
