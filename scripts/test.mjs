/**
 * `npm test`: every check and every test, one runner after another, whatever fails on the way.
 * The last line is the sum of what the runners said: `N passed, N failed`.
 */

import { npmRun, start } from './spawn.mjs'

/** A runner that is not done by then hangs. */
const LONGEST_MS = 30 * 60_000

const RUNNERS = [
  { name: 'check', script: 'check:static', count: countWords },
  { name: 'test:py', script: 'test:py', count: countWords },
  { name: 'test:pyodide', script: 'test:pyodide', count: countWords },
  { name: 'test:web', script: 'test:web', count: countVitest },
  { name: 'test:e2e', script: 'test:e2e', count: countPlaywright },
  { name: 'test:package', script: 'test:package', count: countPlaywright },
  { name: 'test:kill', script: 'test:kill', count: countPlaywright },
  { name: 'test:firefox', script: 'test:firefox', count: countVitest, without: /^no Firefox/m },
]

/** `== 1 failed, 6 passed, 1 error in 2.46s ==`, the last such line. */
function countWords(lines) {
  const closing = lines.findLast((line) => /\d+ (passed|failed|errors?)\b/.test(line)) ?? ''
  return { passed: number(closing, 'passed'), failed: number(closing, 'failed|errors?') }
}

/** `Tests  1 failed | 6 passed (7)` */
function countVitest(lines) {
  const closing = lines.findLast((line) => /^\s*Tests\s/.test(line)) ?? ''
  return { passed: number(closing, 'passed'), failed: number(closing, 'failed') }
}

/** One line for each word, as in `  6 passed (1.2m)`, at the very end. */
function countPlaywright(lines) {
  const closing = lines.filter((line) => /^\s+\d+ [a-z ]+( \(.*\))?$/.test(line)).join(',')
  const failed = number(closing, 'failed|flaky|interrupted|did not run')
  return { passed: number(closing, 'passed'), failed }
}

/** The sum of all numbers that stand before one of *words*. */
function number(text, words) {
  const found = text.matchAll(new RegExp(`(\\d+) (?:${words})\\b`, 'g'))
  return [...found].reduce((sum, [, digits]) => sum + Number(digits), 0)
}

const results = []
for (const { name, script, count, without } of RUNNERS) {
  console.log(`\n━━ ${name}`)
  const onOutput = (text) => process.stdout.write(text)
  const [command, args] = npmRun(script)
  const { ok, output, seconds } = await start(command, args, { timeout: LONGEST_MS, onOutput })
  const counted = count(output.split('\n'))
  // A runner that fails, or that runs nothing, has failed, whatever its last line says; but one may
  // say that this machine has not what it tests in.
  const isAbsent = without?.test(output) === true
  const failed =
    ok && (counted.passed > 0 || isAbsent) ? counted.failed : Math.max(1, counted.failed)
  results.push({ name, passed: counted.passed, failed, seconds })
}

console.log()
for (const { name, passed, failed, seconds } of results) {
  console.log(`${name.padEnd(14)}${passed} passed, ${failed} failed (${seconds.toFixed(0)} s)`)
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') > 0 ? 1 : 0
