/** The options that commands share. */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LOCK_FILE } from '../packages/lock'
import { JobsError, Project } from '../project'

const SHARED = {
  package: { type: 'string', multiple: true },
  lock: { type: 'string', default: LOCK_FILE },
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
    indexes: values.index,
    distributionUrl: values.distribution,
    cache: cacheFolder(),
    say: (line) => process.stderr.write(`${line}\n`),
  })
  return { values, project }
}

function cacheFolder(): string {
  const modules = resolve('node_modules')
  return existsSync(modules) ? join(modules, '.durably-py') : resolve('.durably-py')
}

/** What went wrong, for a terminal: with the place and the lines of Python that led there. */
export function told(error: unknown): string {
  if (!(error instanceof JobsError)) return error instanceof Error ? error.message : String(error)
  return `${error.file}:${error.failure.line}\n${error.failure.traceback}`
}
