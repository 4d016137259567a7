/** The inspector on a page of the lab, in a real browser: under the lab's policy, with the lab's jobs. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from '@playwright/test'
import { python } from '../../scripts/paths.mjs'
import { expect, type Profile, test } from './support/browser'

const run = promisify(execFile)

/** Where pictures of all views go, for people; none are made without. */
const SHOTS = process.env.DURABLY_SHOTS

interface Violation extends Window {
  readonly violations: string[]
}

/** Show the inspector; what the page's policy refuses is collected. */
async function openInspector(profile: Profile, query = ''): Promise<Page> {
  const context = await profile.open()
  const page = context.pages()[0] ?? (await context.newPage())
  await page.addInitScript(() => {
    Object.assign(window, { violations: [] })
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      (window as unknown as Violation).violations.push(`${violatedDirective} ${blockedURI}`),
    )
  })
  await page.goto(profile.url(`/lab/inspector.html${query}`))
  await page.waitForFunction(() => 'lab' in window, undefined, { timeout: 60_000 })
  return page
}

function refused(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => (window as unknown as Violation).violations)
}

const view = (page: Page, name: string): Locator =>
  page.getByRole('navigation', { name: 'Inspector' }).getByRole('button', { name })

const rowOf = (page: Page, runId: string): Locator => page.locator(`[data-run="${runId}"]`)

test('a job is triggered by its form, seen to complete, opened; another is cancelled', async ({
  profile,
}) => {
  const page = await openInspector(profile)
  await expect(page.getByText('There are no runs yet')).toBeVisible()
  await page.getByRole('button', { name: 'Trigger a job' }).click()

  await page.getByRole('combobox', { name: 'Job', exact: true }).selectOption('steps')
  await page.getByLabel('count').fill('30')
  await page.getByText('Labels and keys').click()
  await page.getByLabel('Labels', { exact: true }).fill('by=form')
  await page.getByRole('button', { name: 'Trigger steps' }).click()
  await expect(page.getByRole('region', { name: 'Trigger' }).getByText('completed')).toBeVisible()
  await page.getByRole('button', { name: 'Open the run' }).click()
  await expect(page.getByRole('heading', { name: 'steps', exact: true })).toBeFocused()
  await expect(page.getByText('by=form')).toBeVisible()
  await expect(page.getByRole('region', { name: 'Output' })).toContainText('step-29')
  await page.getByRole('button', { name: 'All runs' }).click()

  // One that goes on until it is stopped, seen by the list as it happens.
  const { runId } = await page.evaluate(() => window.lab.trigger('steps', { count: 100_000 }))
  await expect(rowOf(page, runId)).toContainText('leased')
  await rowOf(page, runId).click()
  await expect(page.getByText(/[\d,]+ steps/)).toBeVisible()
  await page.getByRole('button', { name: /^step-0/ }).click()
  await expect(page.getByRole('region', { name: 'Result of step-0' })).toContainText('step-0')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible()
  await page.getByRole('button', { name: 'All runs' }).click()
  await expect(rowOf(page, runId)).toContainText('cancelled')
  await expect(rowOf(page, runId)).toBeFocused()

  // By keyboard: the next row, opened.
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByText('by=form')).toBeVisible()
  expect(await refused(page)).toEqual([])
})

test('a file is given and saved; a refusal stands at its field', async ({ profile }) => {
  const page = await openInspector(profile)
  await view(page, 'Trigger').click()
  await page.getByRole('combobox', { name: 'Job', exact: true }).selectOption('upper')
  await page.getByLabel('file').setInputFiles({
    name: 'greeting.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('zoë'),
  })
  await page.getByRole('button', { name: 'Trigger upper' }).click()
  await expect(page.getByRole('region', { name: 'Trigger' }).getByText('completed')).toBeVisible()
  await page.getByRole('button', { name: 'Open the run' }).click()
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save upper-greeting.txt' }).click()
  expect((await saved).suggestedFilename()).toBe('upper-greeting.txt')

  await view(page, 'Trigger').click()
  await page.getByRole('combobox', { name: 'Job', exact: true }).selectOption('steps')
  await page.getByRole('button', { name: 'Write it as JSON' }).click()
  await page.getByLabel('Input as JSON').fill('{"count": -1}')
  await page.getByRole('button', { name: 'Trigger steps' }).click()
  await expect(page.getByRole('alert')).toContainText('count')
  expect(await refused(page)).toEqual([])
})

test('a store is exported, reset, and imported again', async ({ profile }) => {
  const page = await openInspector(profile)
  await page.evaluate(() => window.lab.triggerAndWait('steps', { count: 3 }))
  await expect(page.getByText('1 run', { exact: true })).toBeVisible()
  await view(page, 'Store').click()
  const downloaded = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export the store' }).click()
  const folder = await mkdtemp(join(tmpdir(), 'durably-inspector-'))
  const file = join(folder, 'store.sqlite3')
  await (await downloaded).saveAs(file)

  await page.getByRole('button', { name: 'Reset the store' }).click()
  await expect(page.getByRole('button', { name: 'Reset', exact: true })).toBeDisabled()
  await page.getByLabel('Type reset to go on').fill('reset')
  await page.getByRole('button', { name: 'Reset', exact: true }).click()
  await expect(page.getByText('The store is empty now.')).toBeVisible()
  expect(await page.evaluate(() => window.lab.getRuns())).toEqual([])

  await page.getByLabel('Import a store').setInputFiles(file)
  await page.getByRole('button', { name: 'Import', exact: true }).click()
  await expect(page.getByText('The store was imported.')).toBeVisible()
  await view(page, 'Runs').click()
  await expect(page.getByText('1 run', { exact: true })).toBeVisible()
  await rm(folder, { recursive: true })
  expect(await refused(page)).toEqual([])
})

test('the custom element works alike, and no style gets in or out', async ({ profile }) => {
  const page = await openInspector(profile, '?as=element&theme=dark')
  await expect(page.getByText('The engine runs in this tab.')).toBeVisible()
  await expect(page.getByRole('rowheader', { name: 'ready' })).toBeVisible()
  const inside = await view(page, 'Runs').evaluate((button) => getComputedStyle(button).fontSize)
  expect(inside).toBe('15px')
  expect(await page.evaluate(() => document.adoptedStyleSheets.length)).toBe(0)
  const element = page.locator('durably-inspector')
  const scheme = () =>
    element.evaluate(
      ({ shadowRoot }) =>
        getComputedStyle(shadowRoot?.querySelector('.inspector') as Element).colorScheme,
    )
  expect(await scheme()).toBe('dark')
  await element.evaluate((found) => found.setAttribute('theme', 'light'))
  await expect.poll(scheme).toBe('light')
  expect(await refused(page)).toEqual([])
})

test('a hundred thousand runs are scrolled through', async ({ profile }) => {
  const page = await openInspector(profile)
  await seed(page, 100_000)
  await expect(page.getByText('100,000 runs')).toBeVisible()
  const measured = await page.evaluate(scrollThrough)
  console.log(
    `  longest frame ${measured.longest} ms, ${measured.late} of ${measured.frames} over 50 ms; ` +
      `at most ${measured.nodes} elements; a page at the far end took ${measured.farPage} ms`,
  )
  expect(measured.nodes).toBeLessThan(2_000)
  const last = page.locator('[aria-rowindex="100001"][data-run]')
  await expect(last).toBeVisible()
  await expect(last).toContainText('seeded')

  // The list goes on living: what is new comes first, and the count follows.
  await page.evaluate(() => window.lab.triggerAndWait('steps', { count: 1 }))
  await expect(page.getByText('100,001 runs')).toBeVisible()
  await page.getByRole('checkbox', { name: 'failed' }).check()
  await expect(page.getByText('20,000 runs')).toBeVisible()
  await page.getByLabel('Labels').fill('batch=7')
  await expect(page.getByText('No run is like that')).toBeVisible()
  await page.getByRole('checkbox', { name: 'failed' }).uncheck()
  await expect(page.getByText('1,000 runs')).toBeVisible()
})

/** Put *count* ended runs into the store, by way of SQLite: to run them would take minutes. */
async function seed(page: Page, count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'durably-seed-'))
  const file = join(folder, 'store.sqlite3')
  const exported = await page.evaluate(async () => {
    const bytes = new Uint8Array(await (await window.lab.exportStore()).arrayBuffer())
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  })
  await writeFile(file, exported, 'latin1')
  await run(python, ['-c', SEED, file, String(count)])
  // Straight from the disk: it is too large to be passed to the browser as a message.
  await page.evaluate(() => {
    const input = Object.assign(document.createElement('input'), { type: 'file', id: 'seed' })
    document.body.append(input)
  })
  const devtools = await page.context().newCDPSession(page)
  const { root } = await devtools.send('DOM.getDocument')
  const { nodeId } = await devtools.send('DOM.querySelector', {
    nodeId: root.nodeId,
    selector: '#seed',
  })
  await devtools.send('DOM.setFileInputFiles', { nodeId, files: [file] })
  await page.evaluate(async () => {
    const input = document.querySelector<HTMLInputElement>('#seed')
    const [store] = input?.files ?? []
    if (store) await window.lab.importStore(store)
    input?.remove()
  })
  await rm(folder, { recursive: true })
}

const SEED = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
n = int(sys.argv[2])
def runs():
    for i in range(n):
        at = f"2026-01-{1 + i // 4000:02}T{i // 167 % 24:02}:{i // 60 % 60:02}:{i % 60:02}.{i % 1000:03}Z"
        status = "failed" if i % 5 == 0 else "completed"
        labels = f'{{"batch":"{i % 100}"}}'
        yield f"01SEED{i:020}", "seeded", '{"number":%d}' % i, status, labels, at, at, at, at
with db:
    db.executemany(
        "INSERT INTO durably_runs (id, job_name, input, status, labels, started_at, completed_at, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", runs())
    db.execute(
        "INSERT INTO durably_run_labels (run_id, key, value, created_at)"
        " SELECT id, 'batch', json_extract(labels, '$.batch'), created_at FROM durably_runs")
db.close()
`

/** Runs in the page: scrolls at 12,000 pixels a second, then in leaps to the end. */
async function scrollThrough() {
  const host = document.querySelector('[data-durably-inspector]')
  const list = host?.shadowRoot?.querySelector('.runs-scroll')
  if (!list) throw new Error('there is no list')
  const frames: number[] = []
  let nodes = 0
  const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve))
  let before = await frame()
  const tick = async () => {
    const now = await frame()
    frames.push(now - before)
    before = now
    nodes = Math.max(nodes, list.querySelectorAll('*').length)
  }
  for (let turn = 0; turn < 240; turn += 1) {
    list.scrollTop += 200
    await tick()
  }
  for (let part = 1; part <= 40; part += 1) {
    list.scrollTop = (list.scrollHeight * part) / 40
    for (let turn = 0; turn < 4; turn += 1) await tick()
  }
  const start = performance.now()
  await window.lab.getRuns({ limit: 100, offset: 99_900 })
  const farPage = Math.round(performance.now() - start)
  const longest = Math.round(Math.max(...frames))
  return {
    longest,
    late: frames.filter((one) => one > 50).length,
    frames: frames.length,
    nodes,
    farPage,
  }
}

const SIZES = [
  { width: 360, height: 760 },
  { width: 1200, height: 860 },
] as const

test('nothing serious is found by axe in any view, light or dark, narrow or wide', async ({
  profile,
}) => {
  test.slow()
  const page = await openInspector(profile)
  const shown = await someRuns(page)
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    for (const size of SIZES) {
      await page.setViewportSize(size)
      for (const [name, show] of Object.entries(viewsOf(page, shown))) {
        await show()
        const axe = new AxeBuilder({ page }).include('[data-durably-inspector]')
        // In the dark only colours are others.
        if (colorScheme === 'dark') axe.withRules('color-contrast')
        const { violations } = await axe.analyze()
        const serious = violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
        expect.soft(serious, `${name} ${colorScheme} ${size.width}`).toEqual([])
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
        expect.soft(overflow, `${name} ${colorScheme} ${size.width} is too wide`).toBe(0)
        if (SHOTS) {
          const path = join(SHOTS, `${name}-${size.width}-${colorScheme}.png`)
          await page.screenshot({ path, fullPage: true })
        }
      }
    }
  }
  expect(await refused(page)).toEqual([])
})

interface Shown {
  readonly completed: string
  readonly failed: string
  readonly active: string
}

/** Runs of every kind; one of them goes on. */
function someRuns(page: Page): Promise<Shown> {
  return page.evaluate(async () => {
    const labels = { customer: 'acme', region: 'eu-west' }
    const csv = [
      'id,name,amount',
      ...Array.from({ length: 9_000 }, (_, n) => `${n},row ${n},${n / 7}`),
    ]
    const file = new File([csv.join('\n')], 'orders.csv', { type: 'text/csv' })
    const completed = await window.lab.triggerAndWait('import-csv', { file }, { labels })
    const failed = await window.lab.trigger(
      'leave',
      { where: 'step' },
      { labels: { customer: 'acme' } },
    )
    await window.lab.waitForRun(failed.runId).catch(() => undefined)
    await window.lab.triggerAndWait('upper', { file, times: 2 })
    const stopped = await window.lab.trigger('steps', { count: 50_000 })
    await window.lab.cancel(stopped.runId)
    // It waits between its tries, and takes no time from what looks at it.
    const source = { url: 'http://localhost:9/', name: 'away' }
    const active = await window.lab.trigger('sync-source', source, { labels })
    return { completed: completed.runId, failed: failed.runId, active: active.runId }
  })
}

/** How each view is reached. */
function viewsOf(page: Page, { completed, failed, active }: Shown) {
  const open = async (runId: string) => {
    await view(page, 'Runs').click()
    await rowOf(page, runId).click()
    await expect(page.getByRole('heading', { name: 'Log' })).toBeVisible()
  }
  const trigger = async (job: string) => {
    await view(page, 'Trigger').click()
    await page.getByRole('combobox', { name: 'Job', exact: true }).selectOption(job)
  }
  return {
    runs: async () => {
      await view(page, 'Runs').click()
      await page.getByLabel('Labels').fill('')
      await expect(rowOf(page, active)).toBeVisible()
    },
    'run-completed': () => open(completed),
    'run-failed': async () => {
      await open(failed)
      await page.getByText('Traceback', { exact: true }).click()
    },
    'run-active': () => open(active),
    'trigger-import': () => trigger('import-csv'),
    'trigger-steps': async () => {
      await trigger('steps')
      await page.getByText('Labels and keys').click()
    },
    'trigger-clean': async () => {
      await trigger('clean-table')
      await page.getByLabel('Give options').check()
      await page.getByRole('button', { name: 'Trigger clean-table' }).click()
    },
    store: async () => {
      await view(page, 'Store').click()
      await expect(page.getByText('Kept until removed')).toBeVisible()
    },
    'store-reset': async () => {
      await view(page, 'Store').click()
      await page.getByRole('button', { name: 'Reset the store' }).click()
      await expect(page.getByRole('dialog')).toBeVisible()
    },
    engine: async () => {
      await page.keyboard.press('Escape')
      await view(page, 'Engine').click()
      await expect(page.getByText('Worker')).toBeVisible()
    },
    'no-runs': async () => {
      await view(page, 'Runs').click()
      await page.getByLabel('Labels').fill('customer=nobody')
      await expect(page.getByText('No run is like that')).toBeVisible()
    },
  }
}
