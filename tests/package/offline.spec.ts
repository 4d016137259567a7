/** An app that works without its server and without a network, and moves to a new version when it is told to. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { App, tarball } from './support'

let app: App

test.beforeAll(() => {
  app = App.ofExample('offline', tarball())
})

test.beforeEach(() => {
  app.run('npm', 'run', 'build')
})

test.afterAll(() => app?.remove())
test.afterEach(() => app?.stop())

/** A page whose app is kept as a whole. */
async function kept(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await expect(page.getByTestId('offline')).toHaveText('Works offline', { timeout: 90_000 })
  await expect(page.getByRole('button', { name: 'Write the report' })).toBeEnabled({
    timeout: 60_000,
  })
}

async function report(page: Page, text: string): Promise<void> {
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 60_000 })
  await button.click()
  await expect(page.locator('ol li').last()).toHaveText(`2026-11, ${text} 6`, { timeout: 60_000 })
}

/** Let the server and the network go away. */
async function unplug(context: BrowserContext): Promise<void> {
  app.stop()
  await context.setOffline(true)
}

test('reload, resume, close and reopen, another tab: all without a server', async ({
  page,
  context,
}) => {
  const url = await app.serve('/', 'vite', 'preview', '--strictPort')
  await kept(page, url)
  await unplug(context)

  await page.reload()
  await report(page, 'part')
  await page.getByRole('button', { name: 'Write the report' }).click()
  await expect(page.getByRole('status')).toContainText(/leased [2-4]\/6/)
  await page.reload()
  await expect(page.getByRole('status')).toContainText('completed', { timeout: 60_000 })
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)

  const other = await context.newPage()
  await other.goto(`${url}any/address`)
  await report(other, 'part')
  await page.close()
  await other.close()
  const again = await context.newPage()
  await again.goto(url)
  await report(again, 'part')
})

test('a new version is offered and applied: a run under way goes on with it, in two tabs', async ({
  page,
  context,
}) => {
  let url = await app.serve('/', 'vite', 'preview', '--strictPort')
  const port = new URL(url).port
  await kept(page, url)
  const second = await context.newPage()
  await kept(second, url)
  await page.getByRole('button', { name: 'Write the report' }).click()
  await expect(page.getByRole('status')).toContainText(/leased [1-2]\/6/)

  app.stop()
  const restore = change('src/jobs/reports.py', '{month}, part', '{month}, new part')
  try {
    app.run('npm', 'run', 'build')
    url = await app.serve('/', 'vite', 'preview', '--strictPort', '--port', port)
    await expect(page.getByTestId('update')).toHaveCount(0)
    await look(page)
    await expect(page.getByTestId('update')).toBeVisible({ timeout: 60_000 })
    await page.getByTestId('update').click()
    for (const tab of [page, second]) {
      await expect(tab.getByTestId('update')).toHaveCount(0, { timeout: 60_000 })
    }
    await report(page, 'new part')
    await report(second, 'new part')
  } finally {
    restore()
  }
})

test('a version that is broken never takes the place of a whole one', async ({ page, context }) => {
  let url = await app.serve('/', 'vite', 'preview', '--strictPort')
  const port = new URL(url).port
  await kept(page, url)
  app.stop()
  const restore = change('src/jobs/reports.py', '{month}, part', '{month}, broken part')
  try {
    app.run('npm', 'run', 'build')
    const list = readFileSync(join(app.folder, 'dist', 'sw.js'), 'utf8')
    const [jobs] = /assets\/durably\/jobs-[0-9a-f]+\.zip/.exec(list) ?? []
    writeFileSync(join(app.folder, 'dist', jobs ?? ''), 'half of it')
    url = await app.serve('/', 'vite', 'preview', '--strictPort', '--port', port)
    await look(page)
    await expect(page.getByTestId('offline-problem')).toContainText('not whole', {
      timeout: 60_000,
    })
    await unplug(context)
    await page.reload()
    await report(page, 'part')
  } finally {
    restore()
  }
})

/** What the browser does by itself now and then. */
async function look(page: Page): Promise<void> {
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())
}

function change(path: string, what: string, by: string): () => void {
  const file = join(app.folder, path)
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, source.replace(what, by))
  return () => writeFileSync(file, source)
}
