/** What the browser side promises beside its jobs. */

import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { python } from '../../scripts/paths.mjs'
import { expect, test } from './support/browser'
import { LAB_STORE, openLab, waitForRun } from './support/lab'

test('page, worker script and assets are isolated', async ({ profile }) => {
  const page = await profile.show('/')
  const worker = page.workers()[0] ?? (await page.waitForEvent('worker'))

  const parts = 'assets/durably'
  const names = readdirSync(`dist/demo/${parts}`)
  const manifest = `${parts}/${names.find((name) => name.startsWith('manifest-'))}`
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  for (const url of [page.url(), worker.url(), profile.url(`/${manifest}`)]) {
    const headers = (await page.request.get(url)).headers()
    expect(headers['cross-origin-opener-policy'], url).toBe('same-origin')
    expect(headers['cross-origin-embedder-policy'], url).toBe('require-corp')
    expect(headers['cross-origin-resource-policy'], url).toBe('same-origin')
  }
})

test('nothing is fetched from another origin', async ({ profile }) => {
  const context = await profile.open()
  const origins = new Set<string>()
  context.on('request', (request) => origins.add(new URL(request.url()).origin))
  const page = await context.newPage()

  await page.goto(profile.url('/'))
  await expect(page.getByTestId('import')).toBeVisible()

  expect([...origins]).toEqual([new URL(profile.url('/')).origin])
})

test('the page goes on painting while a step computes', async ({ profile }) => {
  const lab = await openLab(profile)

  const { longest, frames, took } = await lab.evaluate(async () => {
    const gaps: number[] = []
    let last = performance.now()
    let isOver = false
    const tick = (now: number) => {
      gaps.push(now - last)
      last = now
      if (!isOver) requestAnimationFrame(tick)
    }
    requestAnimationFrame(tick)
    const began = performance.now()
    await window.lab.triggerAndWait('compute', { seconds: 2 })
    isOver = true
    return { longest: Math.max(...gaps), frames: gaps.length, took: performance.now() - began }
  })

  console.log(`  longest gap ${longest.toFixed(0)} ms, ${frames} frames in ${took.toFixed(0)} ms`)
  expect(took).toBeGreaterThan(2_000)
  expect(frames).toBeGreaterThan(20)
  expect(longest).toBeLessThan(took / 4)
})

test('law 11: the database files, copied out of OPFS, open in another SQLite', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  const { runId } = await lab.evaluate(() =>
    window.lab.trigger('steps', { count: 25, journal: true }),
  )
  await waitForRun(lab, runId)
  const files = await lab.evaluate(async (store) => {
    await window.lab.close()
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(store)
    const copied: Record<string, string> = {}
    for await (const [name, handle] of folder) {
      if (handle.kind !== 'file' || !name.includes('.sqlite3')) continue
      const bytes = await (await (handle as FileSystemFileHandle).getFile()).bytes()
      if (bytes.length === 0) continue
      copied[name] = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
    }
    return copied
  }, LAB_STORE)
  const folder = await mkdtemp(join(tmpdir(), 'durably-copy-'))
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), Buffer.from(text, 'latin1'))
  }

  const told = execFileSync(python, ['-c', READ_COPY, folder], { encoding: 'utf8' })
  await rm(folder, { recursive: true })

  expect(JSON.parse(told)).toEqual({
    check: ['ok', 'ok'],
    runs: [[runId, 'completed']],
    journal: 25,
  })
})

const READ_COPY = `
import json, pathlib, sqlite3, sys
folder = pathlib.Path(sys.argv[1])
runs = sqlite3.connect(folder / "durably.sqlite3")
rows = sqlite3.connect(folder / "imports.sqlite3")
print(json.dumps({
    "check": [db.execute("PRAGMA integrity_check").fetchone()[0] for db in (runs, rows)],
    "runs": runs.execute("SELECT id, status FROM durably_runs").fetchall(),
    "journal": rows.execute("SELECT count(*) FROM journal").fetchone()[0],
}))
`
