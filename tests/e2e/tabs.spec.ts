/** Any number of tabs, one engine; when its tab goes, the next one takes over. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { expect, type Profile, test } from './support/browser'
import { expectResult, startImport, waitForStatus } from './support/demo'
import { breaches, lastTokens, readJournal } from './support/journal'
import { waitForRun } from './support/lab'
import { nastyCsv } from './support/nasty-csv'
import { seeded, seedFrom } from './support/random'
import { crash, expectRole, openTabs, ready, roleOf, saved, startTab } from './support/tabs'

const COUNT = 400
const stepsOf = (count: number) => Array.from({ length: count }, (_, index) => `step-${index}`)

/** Start a run that takes a while; its steps write down each execution. */
function startSteps(tab: Page, count = COUNT): Promise<string> {
  return tab.evaluate(async (input) => (await window.lab.trigger('steps', input)).runId, {
    count,
    journal: true,
  })
}

/** Wait for the run's end in *tab* and hold it against law 1. */
async function expectOnce(tab: Page, runId: string, deaths: number, count = COUNT) {
  const run = await waitForRun(tab, runId)
  const journal = await readJournal(tab, runId)
  expect(run.status).toBe('completed')
  expect(breaches(journal, stepsOf(count), deaths)).toEqual([])
  expect(run.output).toEqual(lastTokens(journal))
}

/** Let the owner of two tabs go in the middle of a run, and prove that the other one goes on. */
async function handOver(profile: Profile, go: (owner: Page) => Promise<unknown>): Promise<Page[]> {
  const [owner, follower] = await openTabs(profile, 2)
  if (!owner || !follower) throw new Error('there are no two tabs')
  const runId = await startSteps(owner)
  await saved(follower, runId, 20)
  await follower.evaluate((id) => {
    const state = Object.assign(window, { firstStep: 0 })
    window.lab.subscribe({ types: ['step:complete'] }, (message) => {
      if (message.type !== 'snapshot' && 'runId' in message && message.runId === id) {
        if (window.lab.status.getSnapshot().role === 'owner') state.firstStep ||= Date.now()
      }
    })
  }, runId)

  const gone = Date.now()
  await go(owner)

  await expectRole(follower, 'owner')
  await expectOnce(follower, runId, 1)
  const first = await follower.evaluate(() => Reflect.get(window, 'firstStep') as number)
  console.log(`  first new step ${first - gone} ms after the owner went`)
  return [owner, follower]
}

test('laws 3, 4: two tabs are two views of one engine', async ({ profile }) => {
  const [first, second] = await openTabs(profile, 2)
  if (!first || !second) throw new Error('there are no two tabs')
  await expectRole(first, 'owner')
  await expectRole(second, 'follower')
  expect(second.workers()).toEqual([])

  const runId = await startSteps(second)
  const seen = [first, second].map((tab) =>
    tab.evaluate(async (id) => {
      const statuses: (string | null)[] = []
      const store = window.lab.runStore(id)
      store.subscribe(() => statuses.push(store.getSnapshot().status))
      const { output } = await window.lab.waitForRun(id)
      return { output, isLive: statuses.includes('leased'), last: store.getSnapshot().status }
    }, runId),
  )

  const [one, other] = await Promise.all(seen)
  expect(one).toEqual(other)
  expect(one).toMatchObject({ isLive: true, last: 'completed' })
  await expectOnce(second, runId, 0)
})

test('law 3: a second tab of the demo shows the import of the first', async ({ profile }) => {
  const csv = nastyCsv(20_000, seedFrom('CSV_SEED'))
  const page = await profile.show('/')
  await expect(page.getByTestId('import')).toBeVisible({ timeout: 60_000 })
  const second = await page.context().newPage()
  await second.goto(profile.url('/'))
  await expect(second.getByTestId('import')).toBeVisible({ timeout: 60_000 })

  await startImport(second, { name: 'nasty.csv', content: csv.bytes })

  for (const tab of [page, second]) {
    await waitForStatus(tab, 'completed')
    await expectResult(tab, csv)
  }
})

test('law 8: a blob and a trigger of a follower reach the engine', async ({ profile }) => {
  const [, follower] = await openTabs(profile, 2)
  if (!follower) throw new Error('there is no follower')

  const output = await follower.evaluate(async () => {
    const file = new File(['name,age\nZoë,7\n"Smith, J",81\n'], 'people.csv', { type: 'text/csv' })
    return (await window.lab.triggerAndWait('import-csv', { file, options: {} })).output
  })

  expect(output).toMatchObject({ imported: 2 })
})

test('laws 1, 4: the owner is closed, and the other tab takes over its run', async ({
  profile,
}) => {
  await handOver(profile, (owner) => owner.close())
})

test('laws 1, 4: the owner is reloaded, and follows the tab that took over', async ({
  profile,
}) => {
  const [reloaded] = await handOver(profile, (owner) => owner.reload())
  if (reloaded) await expectRole(reloaded, 'follower')
})

test('laws 1, 4: the owner crashes, and the other tab takes over its run', async ({ profile }) => {
  await handOver(profile, crash)
})

test('law 8: what is asked while the owner goes is answered once, by the next', async ({
  profile,
}) => {
  const [owner, follower] = await openTabs(profile, 2)
  if (!owner || !follower) throw new Error('there are no two tabs')
  // Python has no turn for calls while a step computes.
  await owner.evaluate(() => window.lab.trigger('compute', { seconds: 3 }))
  const asked = follower.evaluate(async () => {
    const { runId } = await window.lab.trigger('steps', { count: 1 })
    return runId
  })
  await sleep(300)
  await crash(owner)

  const runId = await asked
  const { status } = await waitForRun(follower, runId)

  expect(status).toBe('completed')
  const runs = await follower.evaluate(() => window.lab.getRuns({ jobName: 'steps' }))
  expect(runs.map(({ id }) => id)).toEqual([runId])
})

test('laws 1, 9: a file that the browser took away costs a new worker, and no step', async ({
  profile,
}) => {
  const [tab] = await openTabs(profile, 1)
  if (!tab) throw new Error('there is no tab')
  const runId = await startSteps(tab)
  await saved(tab, runId, 20)
  const [worker] = tab.workers()
  const next = tab.waitForEvent('worker')

  await worker?.evaluate(() => {
    Reflect.get(globalThis, 'FileSystemSyncAccessHandle').prototype.write = () => {
      throw new DOMException('the file is gone', 'InvalidStateError')
    }
  })

  await next
  await expectOnce(tab, runId, 1)
})

test('a page that is left and shown again goes on', async ({ profile }) => {
  const [owner, follower] = await openTabs(profile, 2)
  if (!owner || !follower) throw new Error('there are no two tabs')

  await owner.goto(profile.url('/icon.svg'))
  await expectRole(follower, 'owner')
  // From the back/forward cache there is no `load` to wait for.
  await owner.goBack({ waitUntil: 'commit' })

  await ready(owner)
  await expectRole(owner, 'follower')
  expect(await owner.evaluate(() => window.lab.getRuns())).toEqual([])
})

test('laws 1, 3, 4, 8: five tabs, closed, reloaded and crashed at random while jobs run', async ({
  profile,
}) => {
  const seconds = Number(process.env.TABS_SECONDS ?? 25)
  test.setTimeout(120_000 + seconds * 2_000)
  const random = seeded(seedFrom('TABS_SEED'))
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const gone: Page[] = []
  const watched = (tab: Page) => tab.on('crash', () => gone.push(tab))
  const tabs = new Set((await openTabs(profile, 5)).map(watched))
  const [some] = tabs
  const context = some?.context()
  if (!context) throw new Error('there is no tab')
  const runs = new Map<string, number>()
  const done = { closed: 0, reloaded: 0, crashed: 0 }

  const end = Date.now() + seconds * 1_000
  while (Date.now() < end) {
    const tab = pick([...tabs])
    await ready(tab)
    const count = 50 + Math.floor(random() * 150)
    runs.set(await startSteps(tab, count), count)
    await sleep(random() * 800)

    const victim = random() < 0.6 ? await ownerOf(tabs) : pick([...tabs])
    const way = pick(['closed', 'reloaded', 'crashed'] as const)
    done[way] += 1
    if (way === 'reloaded') {
      await victim.reload({ waitUntil: 'commit' })
    } else {
      if (way === 'crashed') await crash(victim)
      tabs.delete(victim)
      await victim.close()
    }
    // Tabs may have shared their process with the one that crashed.
    for (const other of gone.splice(0)) {
      tabs.delete(other)
      await other.close()
    }
    while (tabs.size < 5) tabs.add(watched(await startTab(context, profile)))
    expect((await rolesOf(tabs)).filter((role) => role === 'owner').length).toBeLessThanOrEqual(1)
  }
  console.log(`  ${JSON.stringify(done)}; ${runs.size} runs`)

  for (const tab of tabs) await ready(tab)
  const last = await ownerOf(tabs)
  for (const [runId, count] of runs) await expectOnce(last, runId, runs.size, count)
  expect((await rolesOf(tabs)).filter((role) => role === 'owner')).toHaveLength(1)
  const views = await Promise.all(
    [...tabs].map((tab) => tab.evaluate(() => window.lab.getRuns({ limit: 1000 }))),
  )
  for (const view of views) expect(view).toEqual(views[0])
  expect(views[0]?.map(({ id }) => id).sort()).toEqual([...runs.keys()].sort())
})

function rolesOf(tabs: Iterable<Page>) {
  return Promise.all([...tabs].map((tab) => roleOf(tab)))
}

/** The tab that owns the engine, as soon as one does. */
async function ownerOf(tabs: ReadonlySet<Page>): Promise<Page> {
  for (;;) {
    for (const tab of tabs) if ((await roleOf(tab)) === 'owner') return tab
    await sleep(20)
  }
}
