/** An example, outside of the repository, in Firefox: built, run, resumed after a reload. */

import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { App, tarball } from '../package/support'
import { Firefox } from './support'

let firefox: Firefox
let app: App

beforeAll(async () => {
  firefox = await Firefox.open()
  app = App.ofExample('vite-react', tarball())
  app.run('npm', 'run', 'build')
}, 120_000)

afterAll(async () => {
  app?.remove()
  await firefox?.close()
})

const textOf = (page: Page) => page.evaluate(() => document.body.textContent ?? '')

async function until(page: Page, wanted: RegExp): Promise<void> {
  await page.waitForFunction(
    (source) => new RegExp(source).test(document.body.textContent ?? ''),
    { timeout: 90_000, polling: 50 },
    wanted.source,
  )
}

test('a report goes on after a reload', async () => {
  const url = await app.serve('/', 'vite', 'preview', '--strictPort')
  const page = await firefox.show(url)
  await until(page, /Nothing was asked for yet/)
  await page.click('button')
  await until(page, /leased [2-4]\/6/)
  await page.reload()
  await until(page, /2026-11, part 6/)
  expect(await textOf(page)).toContain('2026-11, part 1')
})
