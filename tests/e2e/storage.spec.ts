/** The store as a whole, in a real browser: its room, its files, out in one file and in again. */

import type { BlobRef } from '../../web/core/index'
import { expect, type Profile, test } from './support/browser'
import { openLab, showLab, waitForRun } from './support/lab'

const OTHER_STORE = 'durably-other'

test('laws 9, 10: health tells of the room; without any, runs wait in view and an export works', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  const devtools = await lab.context().newCDPSession(lab)
  const origin = new URL(lab.url()).origin
  await lab.evaluate(() => window.lab.triggerAndWait('steps', { count: 1 }))
  const before = await lab.evaluate(() => window.lab.health())
  expect(before.storage?.usage).toBeGreaterThan(10_000)
  expect(before.storage?.quota).toBeGreaterThan(100_000_000)
  expect(typeof before.storage?.persisted).toBe('boolean')

  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 200_000 })
  const { runId } = await lab.evaluate(() => window.lab.trigger('steps', { count: 2_000 }))
  await expect
    .poll(() => lab.evaluate(() => window.lab.health().then(({ fault }) => fault?.code)))
    .toBe('storage_full')
  const full = await lab.evaluate(() => window.lab.health())
  const exported = await lab.evaluate(() => window.lab.exportStore().then(({ size }) => size))
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })

  expect(full.state).toBe('degraded')
  expect(exported).toBeGreaterThan(10_000)
  expect((await waitForRun(lab, runId)).status).toBe('completed')
  expect((await lab.evaluate(() => window.lab.health())).fault).toBeNull()
})

test('law 10: a store that the browser has removed is said to be lost, once', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  await lab.evaluate(() => window.lab.triggerAndWait('steps', { count: 1 }))
  const lostSince = () =>
    lab.evaluate(async () => (await window.lab.health()).storage?.lostSince ?? null)
  await showLab(lab, profile)
  expect(await lostSince()).toBeNull()
  expect(await lab.evaluate(() => window.lab.getRuns())).toHaveLength(1)

  await lab.goto(profile.url('/icon.svg'))
  const devtools = await lab.context().newCDPSession(lab)
  const origin = new URL(lab.url()).origin
  await devtools.send('Storage.clearDataForOrigin', { origin, storageTypes: 'file_systems' })
  const before = Date.now()
  await showLab(lab, profile)

  expect(await lab.evaluate(() => window.lab.getRuns())).toEqual([])
  expect(Date.parse((await lostSince()) ?? '')).toBeLessThan(before)
  await showLab(lab, profile)
  expect(await lostSince()).toBeNull()
})

test('a large result is a file that the page reads, also after a reload, and goes with its run', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  const { output, runId } = await lab.evaluate(() => {
    const file = new TextEncoder().encode('zoë\n')
    return window.lab.triggerAndWait<string, object, BlobRef>('upper', { file, times: 100_000 })
  })
  const read = (ref: BlobRef) =>
    lab.evaluate(async (given) => {
      const file = await window.lab.readBlob(given)
      return { type: file.type, size: file.size, start: (await file.text()).slice(0, 8) }
    }, ref)
  const whole = { type: 'text/plain', size: 500_000, start: 'ZOË\nZOË\n' }
  expect(await read(output)).toEqual(whole)

  await showLab(lab, profile)

  expect(await read(output)).toEqual(whole)
  await lab.evaluate((id) => window.lab.deleteRun(id), runId)
  const gone = await lab.evaluate(
    (ref) => window.lab.readBlob(ref).catch(({ code }) => code),
    output,
  )
  expect(gone).toBe('not_found')
})

test('a store moves as one file, from a following tab too, and a reset leaves nothing', async ({
  profile,
}) => {
  const owner = await openLab(profile)
  const { runId, output } = await owner.evaluate(() => {
    const file = new TextEncoder().encode('moved')
    return window.lab.triggerAndWait<string, object, BlobRef>('upper', { file })
  })
  await owner.evaluate(() => window.lab.triggerAndWait('steps', { count: 20, journal: true }))
  const follower = await showLab(await owner.context().newPage(), profile)
  await follower.evaluate(keepExport)
  await owner.close()
  await follower.close()

  const other = await openOther(profile)
  await other.evaluate(() => window.lab.triggerAndWait('steps', { count: 1, journal: true }))
  const refused = await other.evaluate(() =>
    window.lab.importStore(new Blob(['not a store'])).catch(({ code }) => code),
  )
  expect(refused).toBe('import_refused')
  await other.evaluate(importKept)

  const runs = await other.evaluate(() => window.lab.getRuns())
  expect(runs).toHaveLength(2)
  expect(runs.at(-1)?.id).toBe(runId)
  const text = await other.evaluate(async (ref) => (await window.lab.readBlob(ref)).text(), output)
  expect(text).toBe('MOVED')

  await other.evaluate(() => window.lab.resetStore())
  expect(await other.evaluate(() => window.lab.getRuns())).toEqual([])
  await expect
    .poll(() => other.evaluate(namesIn, OTHER_STORE))
    .toEqual(['durably.sqlite3', 'durably.sqlite3-journal', 'durably.sqlite3-wal'])
  await other.evaluate(() => window.lab.triggerAndWait('steps', { count: 3, journal: true }))
})

async function openOther(profile: Profile) {
  const context = profile.context ?? (await profile.open())
  return showLab(await context.newPage(), profile, OTHER_STORE)
}

/** Runs in the page: keep an export where another page of the site finds it. */
async function keepExport(): Promise<void> {
  const cache = await caches.open('export')
  await cache.put('/export', new Response(await window.lab.exportStore()))
}

/** Runs in the page. */
async function importKept(): Promise<void> {
  const kept = await (await caches.open('export')).match('/export')
  if (kept) await window.lab.importStore(await kept.blob())
}

/** Runs in the page: the files of a store, with those of runs, without what has no name. */
async function namesIn(store: string): Promise<string[]> {
  const root = await navigator.storage.getDirectory()
  const names: string[] = []
  const walk = async (folder: FileSystemDirectoryHandle, prefix: string): Promise<void> => {
    for await (const [name, handle] of folder) {
      if (name === '.durably' || name.startsWith('made-')) continue
      if (handle.kind === 'file') names.push(prefix + name)
      else await walk(handle as FileSystemDirectoryHandle, `${prefix}${name}/`)
    }
  }
  await walk(await root.getDirectoryHandle(store), '')
  return names.sort()
}
