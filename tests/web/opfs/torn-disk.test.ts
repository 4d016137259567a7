/** Power fails at every flush, and between, while an engine runs: what is left must hold the laws. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadPyodide, type PyodideInterface } from 'pyodide'
import { beforeAll, describe, expect, test } from 'vitest'
import { seeded } from '../../e2e/support/random'
import { type Change, MemoryOpfs, type Survivors } from '../support/memory-opfs'
import { buildManifest } from '../support/node-worker'
import { mount, startPython } from '../support/python'

const DATABASE = ['durably.sqlite3', 'durably.sqlite3-journal', 'durably.sqlite3-wal']

/** A job that keeps rows in a database of its own, and what looks at both afterwards. */
const SOURCE = `
import json, secrets, sqlite3
from contextlib import closing
from durably import Durably, Step, job
from durably.store.sqlite import SqliteStore

DATABASE, TABLES = "/torn/durably.sqlite3", "/torn/rows.sqlite3"

def opened(path):
    db = sqlite3.connect(f"file:{path}?vfs=unix-excl", uri=True, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db

def take(run: str, step: str) -> str:
    token = secrets.token_hex(4)
    with closing(opened(TABLES)) as db:
        db.execute("CREATE TABLE IF NOT EXISTS taken (token TEXT)")
        db.execute("INSERT INTO taken VALUES (?)", (token,))
    note("row", run, step, token)
    return token

@job(name="torn")
async def torn(step: Step, input: int) -> list[str]:
    tokens = []
    for number in range(input):
        name = f"step-{number}"
        token = await step.run(name, take, step.run_id, name)
        note("step", step.run_id, name, token)
        tokens.append(token)
    return tokens

def engine():
    return Durably(SqliteStore(DATABASE), jobs=[torn], sole_owner=True, max_concurrent_runs=2)

async def work(steps):
    app = engine()
    await app.init()
    made = []
    for _ in range(2):
        run = await app.trigger("torn", steps)
        note("run", run.id, "", "")
        made.append(run.id)
    for run in made:
        output = (await app.wait_for_run(run)).output
        note("output", run, "", json.dumps(output))
    await app.close()

async def import_older():
    """Replace a store of three runs by an export of its first."""
    app = engine()
    await app.init()
    made = [await app.trigger("torn", 2)]
    await app.wait_for_run(made[0].id)
    await app.export_store("/tmp/older.sqlite3")
    for _ in range(2):
        made.append(await app.trigger("torn", 2))
        await app.wait_for_run(made[-1].id)
    note("import", "", "", json.dumps([run.id for run in made]))
    await app.import_store("/tmp/older.sqlite3")
    note("imported", "", "", "")
    await app.close()

async def runs():
    """Return the runs that a fresh engine finds, or what is wrong with the database."""
    with closing(opened(DATABASE)) as db:
        (check,) = db.execute("PRAGMA integrity_check").fetchone()
    app = engine()
    await app.init()
    found = [run.id for run in await app.get_runs()]
    await app.close()
    return json.dumps({"check": check, "runs": sorted(found)})

async def look(text):
    """Return what is wrong with what is left, after everything in *text* was acknowledged."""
    wrong = []
    seen = json.loads(text)
    with closing(opened(DATABASE)) as db, closing(opened(TABLES)) as rows:
        for one in (db, rows):
            (check,) = one.execute("PRAGMA integrity_check").fetchone()
            if check != "ok":
                wrong.append(check)
        has = rows.execute("SELECT 1 FROM sqlite_schema WHERE name = 'taken'").fetchone()
        kept = {token for (token,) in rows.execute("SELECT token FROM taken")} if has else set()
        wrong += [f"{what} {run} {step} has no row" for what, run, step, token in seen
                  if what in ("row", "step") and token not in kept]
    app = engine()
    try:
        await app.init()
        ends = {}
        for what, run, step, text in seen:
            if run not in ends:
                ends[run] = (await app.wait_for_run(run, timeout=20)).output
            if what == "step" and ends[run][int(step.removeprefix("step-"))] != text:
                wrong.append(f"{step} of {run} ran again")
            if what == "output" and ends[run] != json.loads(text):
                wrong.append(f"{run} ended again")
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}")
    finally:
        await app.close()
    return json.dumps(wrong)
`

/** What the program had been told was safe: kind, run, step, value. */
type Note = readonly [kind: string, run: string, step: string, value: string]

interface Cut {
  readonly where: string
  readonly disk: MemoryOpfs
  readonly notes: readonly Note[]
}

describe('a disk that loses power', () => {
  let python: PyodideInterface
  let random: () => number
  let notes: Note[]

  beforeAll(async () => {
    python = await prepared(await startPython())
  }, 60_000)

  /** Give *loaded* the engine and the test's job. */
  async function prepared(loaded: PyodideInterface): Promise<PyodideInterface> {
    const manifestUrl = new URL(buildManifest())
    const manifest = JSON.parse(readFileSync(manifestUrl, 'utf8'))
    for (const { url, format } of manifest.archives) {
      const bytes = new Uint8Array(readFileSync(fileURLToPath(new URL(url, manifestUrl))))
      loaded.unpackArchive(bytes, format)
    }
    loaded.globals.set('note', (...note: string[]) => notes.push(note as unknown as Note))
    loaded.runPython(SOURCE)
    return loaded
  }

  /** Do *work* on a fresh disk; return what was left at each of its moments. */
  async function record(
    worker: PyodideInterface,
    work: 'work' | 'import_older',
    ...input: number[]
  ): Promise<readonly Cut[]> {
    const cuts: Cut[] = []
    const opfs = new MemoryOpfs()
    notes = []
    const mounted = await mount(worker, opfs, '/torn', { fixed: DATABASE, spares: 4 })
    opfs.onChange = (what) => {
      const cut = (how: string, keep: 'flushed' | 'all' | Survivors) =>
        cuts.push({
          where: `${cuts.length}: ${how}, before ${what}`,
          disk: opfs.crash(keep),
          notes: notes.slice(),
        })
      if (what.startsWith('flush')) {
        cut('nothing unflushed', 'flushed')
        cut('all or nothing of each file', (changes) => (random() < 0.5 ? changes : []))
      }
      if (what.startsWith('flush') || random() < 0.15) cut('torn and out of order', torn)
    }
    await worker.globals.get(work)(...input)
    await mounted.disk.settle()
    opfs.onChange = () => {}
    cuts.push({ where: 'at the end', disk: opfs.crash(), notes: notes.slice() })
    mounted.unmount()
    return cuts
  }

  /** Some of what was not flushed, in any order, and some of that only up to a sector's end. */
  function torn(changes: readonly Change[]): readonly Change[] {
    return changes
      .filter(() => random() < 0.6)
      .map((change) => ({ change, place: random() }))
      .sort((a, b) => a.place - b.place)
      .map(({ change }) => {
        if (!('bytes' in change) || random() < 0.7) return change
        const sectors = Math.floor((random() * change.bytes.length) / 512)
        return { at: change.at, bytes: change.bytes.subarray(0, sectors * 512) }
      })
  }

  /** Return what a fresh engine finds wrong on what *cut* left. */
  function look(cut: Cut): Promise<readonly string[]> {
    return ask(cut, 'look', JSON.stringify(cut.notes))
  }

  async function ask<T>(cut: Cut, name: 'look' | 'runs', ...input: string[]): Promise<T> {
    const mounted = await mount(python, cut.disk, '/torn', { fixed: DATABASE, spares: 4 })
    notes = []
    try {
      return JSON.parse(await python.globals.get(name)(...input))
    } finally {
      mounted.unmount()
    }
  }

  test('laws 1, 8: what was acknowledged is there after a cut at any moment', async () => {
    const seed = Number(process.env.TORN_SEED ?? Math.floor(Math.random() * 2 ** 31))
    random = seeded(seed)

    const cuts = await record(python, 'work', 4)
    const wrong: string[] = []
    for (const cut of cuts) {
      for (const what of await look(cut)) wrong.push(`${cut.where}: ${what}`)
    }

    console.log(`  TORN_SEED=${seed}, ${cuts.length} cuts`)
    expect(wrong).toEqual([])
    expect(cuts.length).toBeGreaterThan(150)
    expect(cuts.at(-1)?.notes).toHaveLength(2 + 2 * 2 * 4 + 2)
  }, 180_000)

  test('law 10: an import that is cut leaves the old store or the new one', async () => {
    random = seeded(Number(process.env.TORN_SEED ?? 1))

    const cuts = await record(python, 'import_older')
    const found = new Set<string>()
    for (const cut of cuts) {
      const begun = cut.notes.find(([kind]) => kind === 'import')
      if (!begun) continue
      const old: string[] = JSON.parse(begun[3])
      const { check, runs } = await ask<{ check: string; runs: string[] }>(cut, 'runs')
      const isOver = cut.notes.some(([kind]) => kind === 'imported')
      const which = runs.length === 1 && runs[0] === old[0] ? 'new' : 'old'
      if (which === 'old') expect(runs, cut.where).toEqual([...old].sort())
      expect(check, cut.where).toBe('ok')
      if (isOver) expect(which, cut.where).toBe('new')
      found.add(which)
    }

    expect(found).toEqual(new Set(['old', 'new']))
  }, 180_000)

  test('without the sync hook the same cuts lose what was acknowledged', async () => {
    random = seeded(1)
    const stock = await prepared(await loadPyodide())

    const cuts = await record(stock, 'work', 4)
    const last = cuts.at(-1)
    const wrong = last ? await look(last) : []

    expect(wrong.join()).toContain('RunNotFoundError')
  }, 60_000)
})
