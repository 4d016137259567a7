/**
 * `npm run check`: format, lint, types, import rules, dead exports and the quick tests.
 * `--static` leaves the tests out.
 */

import { availableParallelism } from 'node:os'
import { staticChecks } from './checks.mjs'
import { at, python } from './paths.mjs'
import { start } from './spawn.mjs'

const PYTEST = ['-m', 'pytest', '-c', 'py/pyproject.toml', '--rootdir', '.']

const VITEST = at('node_modules', 'vitest', 'vitest.mjs')

const QUICK_TESTS = [
  { name: 'pytest', run: [python, [...PYTEST, '-q', '-m', 'not slow and not external']] },
  {
    name: 'vitest',
    run: [process.execPath, [VITEST, 'run', '--project', 'node', '--project', 'page']],
  },
]

const failed = []
const waiting = process.argv.includes('--static')
  ? staticChecks()
  : [...QUICK_TESTS, ...staticChecks()]
const total = waiting.length

async function work() {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const { name, run, cwd } = check
    const { ok, output, seconds } = await start(...run, { cwd })
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`)
    if (ok) continue
    console.log(output.trimEnd().replace(/^/gm, '    '))
    failed.push(name)
  }
}

await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
if (failed.length > 0) console.log(`\nfailed: ${failed.join(', ')}`)
console.log(`${total - failed.length} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 ? 1 : 0
