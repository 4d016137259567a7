/**
 * The browser is killed again and again while runs take steps, and started on what is left.
 *
 * `npm run test:kill -- --trials 1000 --seed 7`; thirty trials are part of `npm test`.
 */

import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { python } from '../../scripts/paths.mjs'
import { expect, type Profile, test } from '../e2e/support/browser'
import { breaches, lastTokens, readJournal } from '../e2e/support/journal'
import { openLab, showLab, waitForRun } from '../e2e/support/lab'
import { seeded, seedFrom } from '../e2e/support/random'

const STORE = 'durably-kill'
const STEPS = Array.from({ length: 50 }, (_, index) => `step-${index}`)
/** Runs at a time; each step of each of them commits to the app's own table and to the store. */
const RUNS = 3
/** Milliseconds after the trigger within which the browser dies; the runs take about as long. */
const LONGEST_LIFE = 1_500
/** Milliseconds after the start within which it dies in some trials, mostly before Python is up. */
const LONGEST_BOOT = 1_500
/** Trials after which what ended is removed, so that a thousand do not slow each other. */
const PURGE_EVERY = 25

/** What the page had been told before the browser died. */
interface Trial {
  readonly runIds: readonly string[]
  /** Token by run and step. */
  readonly acknowledged: Map<string, Map<string, string>>
  deaths: number
}

test('laws 1, 4, 8: whenever the browser is killed, what was acknowledged is there, once', async ({
  profile,
}) => {
  const trials = Number(process.env.KILL_TRIALS ?? 30)
  test.setTimeout(120_000 + trials * 30_000)
  const random = seeded(seedFrom('KILL_SEED'))
  const folder = await mkdtemp(join(tmpdir(), 'durably-kill-'))
  let inMiddle = 0
  let steps = 0
  let last: Trial | null = null
  try {
    for (let number = 1; number <= trials; number += 1) {
      if (last !== null && random() < 0.25) {
        await killInBoot(profile, random() * LONGEST_BOOT)
        last.deaths += 1
      }
      if (last !== null) await test.step(`look after kill ${number - 1}`, () => lookAtDisk(last))
      const lab = last === null ? await firstBoot(profile) : await prove(last)
      if (number % PURGE_EVERY === 0) {
        await lab.evaluate(() => window.lab.purgeRuns(new Date(Date.now() + 1000), 1000))
      }
      last = await begin(lab)
      await sleep(random() * LONGEST_LIFE)
      await profile.kill()
      last.deaths += 1
      const told = [...last.acknowledged.values()].reduce((sum, { size }) => sum + size, 0)
      if (told > 0 && told < RUNS * STEPS.length) inMiddle += 1
      steps += told
    }
    if (last !== null) {
      await lookAtDisk(last)
      await prove(last)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  console.log(
    `  ${trials} kills, ${inMiddle} in the middle; ${steps} steps were acknowledged before`,
  )
  expect(inMiddle).toBeGreaterThan(trials / 4)

  /** Before any engine opens it: the database as the dead one left it. */
  async function lookAtDisk(trial: Trial | null): Promise<void> {
    const page = await firstPage(profile)
    await page.goto(profile.url('/icon.svg'))
    const files = await page.evaluate(readDatabase, STORE)
    for (const name of ['durably.sqlite3', 'durably.sqlite3-wal']) {
      await writeFile(join(folder, name), Buffer.from(files[name] ?? '', 'base64'))
    }
    const told = inspect(join(folder, 'durably.sqlite3'), trial?.runIds ?? [])
    expect(told.check).toBe('ok')
    for (const runId of trial?.runIds ?? []) {
      const kept = told.runs[runId]
      expect(kept, `run ${runId} was acknowledged`).toBeDefined()
      // The steps of a completed run are in its output.
      const tokens = kept?.output ?? STEPS.map((step) => kept?.steps[step])
      for (const [step, token] of trial?.acknowledged.get(runId) ?? []) {
        expect(tokens[STEPS.indexOf(step)], `${step} of ${runId}, on disk`).toBe(token)
      }
    }
  }

  /** Start the engine, let the runs end, and hold them to the laws; return the page. */
  async function prove(trial: Trial): Promise<Page> {
    const lab = await showLab(await firstPage(profile), profile, STORE)
    const outputs: Record<string, unknown> = {}
    for (const runId of trial.runIds) {
      const { status, output } = await waitForRun(lab, runId)
      const journal = await readJournal(lab, runId)
      expect(status).toBe('completed')
      expect(breaches(journal, STEPS, trial.deaths)).toEqual([])
      expect(output).toEqual(lastTokens(journal))
      for (const [step, token] of trial.acknowledged.get(runId) ?? []) {
        expect(Object(output)[STEPS.indexOf(step)], `${step} of ${runId}`).toBe(token)
      }
      outputs[runId] = output
    }
    const exported = join(folder, 'export.sqlite3')
    await writeFile(exported, Buffer.from(await lab.evaluate(exportStore), 'base64'))
    const told = inspect(exported, trial.runIds)
    expect(told.check).toBe('ok')
    const kept = Object.entries(told.runs).map(([runId, run]) => [runId, run.output])
    expect(Object.fromEntries(kept)).toEqual(outputs)
    expect(told.unfinished).toBe(0)
    expect(await lab.evaluate(() => window.lab.query('check-tables', {}))).toBe('ok')
    return lab
  }
})

async function firstPage(profile: Profile): Promise<Page> {
  const context = profile.context ?? (await profile.open())
  return context.pages()[0] ?? (await context.newPage())
}

/** Boot from nothing, and wait for the snapshot that makes the later boots short. */
async function firstBoot(profile: Profile): Promise<Page> {
  const lab = await openLab(profile, STORE)
  await lab.waitForFunction(() => window.snapshots.length > 0, null, { timeout: 90_000 })
  return lab
}

async function killInBoot(profile: Profile, after: number): Promise<void> {
  const page = await firstPage(profile)
  await page.goto(profile.url(`/lab/?store=${STORE}`), { waitUntil: 'commit' })
  await sleep(after)
  await profile.kill()
}

/** Trigger runs and write down, out of the browser's reach, what the page is told of them. */
async function begin(lab: Page): Promise<Trial> {
  const acknowledged = new Map<string, Map<string, string>>()
  await lab.exposeFunction(
    'acknowledged',
    (told: readonly (readonly [string, string, string])[]) => {
      for (const [runId, step, token] of told) acknowledged.get(runId)?.set(step, token)
    },
  )
  const runIds = await lab.evaluate(triggerAndTell, { runs: RUNS, count: STEPS.length })
  for (const runId of runIds) acknowledged.set(runId, acknowledged.get(runId) ?? new Map())
  await lab.evaluate(() => window.startTelling?.())
  return { runIds, acknowledged, deaths: 0 }
}

declare global {
  interface Window {
    acknowledged?: (told: readonly (readonly [string, string, string])[]) => Promise<void>
    startTelling?: () => void
  }
}

/** Runs in the page. */
async function triggerAndTell({ runs, count }: { runs: number; count: number }): Promise<string[]> {
  const waiting: [string, string, string][] = []
  let isTelling = false
  window.lab.subscribe({ jobName: 'steps' }, (event) => {
    if (event.type !== 'step:complete') return
    const told: [string, string, string] = [event.runId, event.stepName, String(event.output)]
    if (isTelling) void window.acknowledged?.([told])
    else waiting.push(told)
  })
  window.startTelling = () => {
    isTelling = true
    void window.acknowledged?.(waiting)
  }
  const items = Array.from({ length: runs }, () => ({ input: { count, journal: true } }))
  const made = await window.lab.batchTrigger('steps', items)
  return made.map(({ runId }) => runId)
}

/** Runs in the page. */
async function exportStore(): Promise<string> {
  const file = await window.lab.exportStore()
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result).replace(/^.*,/, ''))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
}

/** Runs in a page that has no engine. */
async function readDatabase(store: string): Promise<Record<string, string>> {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(store)
  const files: Record<string, string> = {}
  for (const name of ['durably.sqlite3', 'durably.sqlite3-wal']) {
    const file = await (await folder.getFileHandle(name)).getFile()
    const reader = new FileReader()
    await new Promise((resolve, reject) => {
      reader.onload = resolve
      reader.onerror = reject
      reader.readAsDataURL(file)
    })
    files[name] = String(reader.result).replace(/^.*,/, '')
  }
  return files
}

interface Inspected {
  readonly check: string
  readonly unfinished: number
  readonly runs: Readonly<
    Record<string, { readonly output: unknown[] | null; readonly steps: Record<string, unknown> }>
  >
}

/** Read a database file with another SQLite. */
function inspect(path: string, runIds: readonly string[]): Inspected {
  const told = execFileSync(python, ['-c', INSPECT, path, JSON.stringify(runIds)], {
    encoding: 'utf8',
  })
  return JSON.parse(told)
}

const INSPECT = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
runs = {}
for run in json.loads(sys.argv[2]):
    row = db.execute("SELECT output FROM durably_runs WHERE id = ?", (run,)).fetchone()
    if row is not None:
        steps = db.execute("SELECT name, output FROM durably_steps WHERE run_id = ? AND status = 'completed'", (run,))
        runs[run] = {
            "output": row[0] and json.loads(row[0]),
            "steps": {name: json.loads(output) for name, output in steps},
        }
print(json.dumps({
    "check": db.execute("PRAGMA integrity_check").fetchone()[0],
    "unfinished": db.execute("SELECT count(*) FROM durably_runs WHERE status <> 'completed'").fetchone()[0],
    "runs": runs,
}))
`
