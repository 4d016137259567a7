/** Whatever dies in the middle, the run goes on where it stopped. */

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, type Profile, test } from './support/browser'
import { expectResult, expectStoredOnce, reach, startImport, waitForStatus } from './support/demo'
import { breaches, lastTokens, readJournal } from './support/journal'
import { openLab, waitForRun } from './support/lab'
import { nastyCsv } from './support/nasty-csv'
import { seeded, seedFrom } from './support/random'

const ROWS = 40_000

test('law 1: a reload in the middle costs no saved batch, and the status is true at once', async ({
  profile,
}) => {
  const csv = nastyCsv(ROWS, seedFrom('CSV_SEED'))
  const page = await profile.show('/')
  await startImport(page, { name: 'nasty.csv', content: csv.bytes })
  await reach(page, 0.3)

  await page.reload()

  await expect(page.getByTestId('resumed')).toContainText('rows imported')
  expect(await page.getByTestId('run').getAttribute('data-status')).toMatch(/leased|completed/)
  await waitForStatus(page, 'completed')
  await expectResult(page, csv)
  await expectStoredOnce(page, profile, csv, 1)
})

test('law 1: a closed tab that is opened again goes on', async ({ profile }) => {
  const csv = nastyCsv(ROWS, seedFrom('CSV_SEED'))
  const context = await profile.open()
  const tab = await context.newPage()
  await tab.goto(profile.url('/'))
  await startImport(tab, { name: 'nasty.csv', content: csv.bytes })
  await reach(tab, 0.3)

  await tab.close()
  const again = await context.newPage()
  await again.goto(profile.url('/'))

  await waitForStatus(again, 'completed')
  await expectResult(again, csv)
  await expectStoredOnce(again, profile, csv, 1)
})

test('law 6: a page that is reloaded all the time does not cost the run in its long step', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  // From here on boots are short.
  await lab.waitForFunction(() => window.snapshots.some(({ state }) => state === 'made'))
  const { runId } = await lab.evaluate(() => window.lab.trigger('compute', { seconds: 6 }))
  // More often than a run may end its worker. It is claimed when Python is up, and not at its end then.
  for (let reload = 0; reload < 7; reload += 1) {
    await sleep(3_000)
    await lab.reload()
  }
  await lab.waitForFunction(() => 'lab' in window, undefined, { timeout: 60_000 })

  expect((await waitForRun(lab, runId)).status).toBe('completed')
})

test('law 1: an import survives the death of the browser, twice', async ({ profile }) => {
  const seed = seedFrom('KILL_SEED')
  const random = seeded(seed)
  const csv = nastyCsv(ROWS, seed)
  const page = await profile.show('/')
  await startImport(page, { name: 'nasty.csv', content: csv.bytes })
  await reach(page, 0.1 + random() * 0.3)
  await profile.kill()

  const second = await profile.show('/')
  await reach(second, 0.5 + random() * 0.3)
  await profile.kill()

  const third = await profile.show('/')
  await waitForStatus(third, 'completed')
  await expectResult(third, csv)
  await expectStoredOnce(third, profile, csv, 2)
})

test('laws 1, 4, 8: killed at random moments, no acknowledged step runs again, none is lost', async ({
  profile,
}) => {
  const trials = Number(process.env.KILL_TRIALS ?? 6)
  test.setTimeout(60_000 + trials * 60_000)
  const random = seeded(seedFrom('KILL_SEED'))
  for (let trial = 1; trial <= trials; trial++) await killAndProve(profile, random, trial)
})

/** One run of many journalled steps, killed twice; the second kill may hit the start of Python. */
async function killAndProve(profile: Profile, random: () => number, trial: number): Promise<void> {
  const count = 300
  const lab = await openLab(profile)
  const { runId } = await lab.evaluate((input) => window.lab.trigger('steps', input), {
    count,
    journal: true,
  })
  const first = Math.floor(random() * 2_000)
  await sleep(first)
  await profile.kill()

  const reopened = await profile.open()
  const page = reopened.pages()[0] ?? (await reopened.newPage())
  await page.goto(profile.url('/lab/?store=durably-lab'), { waitUntil: 'commit' })
  const second = Math.floor(random() * 5_000)
  await sleep(second)
  await profile.kill()

  const last = await openLab(profile)
  const run = await waitForRun(last, runId)
  const journal = await readJournal(last, runId)
  const steps = Array.from({ length: count }, (_, index) => `step-${index}`)
  console.log(`  trial ${trial}: killed after ${first} and ${second} ms, ${journal.length} entries`)
  expect(run.status).toBe('completed')
  expect(breaches(journal, steps, 2)).toEqual([])
  expect(run.output).toEqual(lastTokens(journal))
  await profile.kill()
}
