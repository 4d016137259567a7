/** The second boot starts from a memory snapshot, and any doubt leads to a plain one that says so. */

import type { Page } from '@playwright/test'
import { expect, type Profile, test } from './support/browser'
import { showLab } from './support/lab'

/** Show the lab; return what its boot and the snapshot said. */
async function boot(page: Page, profile: Profile) {
  await showLab(page, profile)
  return page.evaluate(() => ({ info: window.boots[0], notices: window.snapshots }))
}

/** Wait until a snapshot was made for the next boot. */
async function whenMade(page: Page) {
  await page.waitForFunction(() => window.snapshots.some(({ state }) => state === 'made'))
}

const drawn = (page: Page) =>
  page.evaluate(async () => Object((await window.lab.triggerAndWait('chance', null)).output))

test('law 10: a boot leaves a snapshot, the next one starts from it, with fresh chance', async ({
  profile,
}) => {
  const page = (await profile.open()).pages()[0]
  if (!page) throw new Error('there is no page')
  const first = await boot(page, profile)
  expect(first.info?.bootedFrom).toBe('parts')
  await whenMade(page)

  const second = await boot(page, profile)
  const one = await drawn(page)
  const third = await boot(page, profile)
  const other = await drawn(page)

  const ready = [first, second, third].map(({ info }) => info?.marks.ready)
  console.log(`  ready after ${ready.join(', ')} ms`)
  expect([second.info?.bootedFrom, third.info?.bootedFrom]).toEqual(['snapshot', 'snapshot'])
  for (const key of Object.keys(one)) expect(one[key], key).not.toBe(other[key])
})

test('law 1: a run in its middle goes on in a Python that was restored', async ({ profile }) => {
  const page = (await profile.open()).pages()[0]
  if (!page) throw new Error('there is no page')
  await boot(page, profile)
  await whenMade(page)
  const runId = await page.evaluate(async () => {
    const { runId } = await window.lab.trigger('steps', { count: 2_000, journal: true })
    while ((await window.lab.getSteps(runId)).length < 50) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return runId
  })

  const { info } = await boot(page, profile)
  const { output } = await page.evaluate((id) => window.lab.waitForRun(id), runId)

  expect(info?.bootedFrom).toBe('snapshot')
  expect(output).toHaveLength(2_000)
})

test('code that never ends is stopped in a restored Python, too', async ({ profile }) => {
  const page = (await profile.open()).pages()[0]
  if (!page) throw new Error('there is no page')
  await boot(page, profile)
  await whenMade(page)
  const { info } = await boot(page, profile)

  const { status, took } = await page.evaluate(async () => {
    const { runId } = await window.lab.trigger('hang', {})
    await new Promise((resolve) => setTimeout(resolve, 500))
    const began = performance.now()
    await window.lab.cancel(runId)
    const took = performance.now() - began
    return { status: (await window.lab.getRun(runId))?.status, took }
  })

  console.log(`  stopped after ${took.toFixed(0)} ms`)
  expect([info?.bootedFrom, status]).toEqual(['snapshot', 'cancelled'])
  expect(await page.evaluate(() => window.boots.length)).toBe(1)
})

test('law 10: a damaged snapshot leads to a plain boot that says so', async ({ profile }) => {
  const page = (await profile.open()).pages()[0]
  if (!page) throw new Error('there is no page')
  await boot(page, profile)
  await whenMade(page)
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle('durably-snapshots')
    for await (const entry of folder.values()) {
      if (entry.kind !== 'file') continue
      const file = await (entry as FileSystemFileHandle).createWritable({ keepExistingData: true })
      await file.write({ type: 'write', position: 1_000_000, data: new Uint8Array(64).fill(7) })
      await file.close()
    }
  })

  const { info, notices } = await boot(page, profile)

  expect(info?.bootedFrom).toBe('parts')
  expect(notices).toMatchObject([{ state: 'unusable', error: { code: 'snapshot_unusable' } }])
  await whenMade(page)
  expect((await boot(page, profile)).info?.bootedFrom).toBe('snapshot')
})
