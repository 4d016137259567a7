/**
 * `npm run bench`: measure in a browser, beside stock Pyodide and `@coji/durably`, and print a table.
 *
 * `--json FILE` writes the numbers, `--only NAME,…` measures these rows, `--rounds N` (default 3)
 * says how often, `--no-peer` does without the peer, `--scale F` multiplies the counts to try it.
 */

import { writeFile } from 'node:fs/promises'
import { arch, cpus, platform, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { median, setScale } from './measure/numbers.mjs'
import { ROWS } from './rows.mjs'
import { inBrowser, ours, peer } from './sites.mjs'
import { printTables } from './tables.mjs'

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    scale: { type: 'string', default: '1' },
    'no-peer': { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
setScale(Number(values.scale))
const wanted = chosen(values.only)

const processor = cpus()[0]?.model.trim() ?? 'unknown'
const machine = `${cpus().length} × ${processor}, ${Math.round(totalmem() / 2 ** 30)} GiB`
console.log(`${machine}, ${platform()} ${arch()}, Node ${process.versions.node}`)

const problems = []
const taken = new Map(wanted.map(({ name }) => [name, {}]))

await inBrowser(async (browser) => {
  console.log(`Chromium ${browser.browser()?.version() ?? ''}`)
  const { site, close } = await ours(browser)
  for (let round = 1; round <= rounds; round++) {
    for (const row of wanted) {
      console.log(`round ${round} of ${rounds}: ${row.name}`)
      for (const what of ['limit', 'plain', 'ours']) await take(row, what, site)
    }
  }
  await close()
})

// Once is enough: it takes minutes, and what it says varies less than it differs from ours.
if (!values['no-peer'] && wanted.some((row) => row.peer)) {
  await inBrowser(async (browser) => {
    const { site, close } = await peer(browser)
    for (const row of wanted) {
      if (row.peer) console.log(`peer: ${row.name}`)
      await take(row, 'peer', site)
    }
    await close()
  })
}

const rows = wanted.map(({ name, unit }) => {
  const { ours: runs = [], plain, peer, limit } = taken.get(name)
  const value = (measured) => (measured?.length ? median(measured) : null)
  return {
    name,
    unit,
    ours: value(runs),
    plain: value(plain),
    peer: value(peer),
    limit: value(limit),
    runs,
  }
})
printTables(rows, wanted)
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 2)}\n`)

/** Measure one cell once. What goes wrong leaves it empty and does not stop the others. */
async function take(row, what, site) {
  if (row[what] === undefined) return
  const cell = taken.get(row.name)
  cell[what] ??= []
  try {
    const value = await row[what](site)
    if (value !== null) cell[what].push(value)
  } catch (error) {
    problems.push(`${row.name}, ${what}: ${error.message.split('\n')[0]}`)
  } finally {
    await site.closeTabs()
  }
}

function chosen(only) {
  if (only === undefined) return ROWS
  const names = only.split(',')
  const unknown = names.filter((name) => !ROWS.some((row) => row.name === name))
  if (unknown.length > 0) throw new Error(`there is no row ${unknown.join(', ')}`)
  return ROWS.filter(({ name }) => names.includes(name))
}
