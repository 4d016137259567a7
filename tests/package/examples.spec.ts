/** The examples, outside of the repository, with the packed package: built, run, resumed after a reload. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { App, tarball } from './support'

let packed = ''
let app: App

test.beforeAll(() => {
  packed = tarball()
})

test.afterEach(() => app?.remove())

/** Trigger the report, reload the page in its middle, and read its parts once all are there. */
async function reportSurvivesReload(page: Page, url: string): Promise<void> {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(url)
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 60_000 })
  await expect(page.getByRole('status')).toContainText('Nothing was asked for yet')
  await button.click()
  await expect(page.getByRole('status')).toContainText(/leased [2-5]\/6/)

  await page.reload()
  await expect(page.getByRole('status')).toContainText(/leased|completed/, { timeout: 60_000 })
  await expect(page.locator('ol li')).toHaveText(
    [1, 2, 3, 4, 5, 6].map((part) => `2026-11, part ${part}`),
    { timeout: 60_000 },
  )
  expect(errors).toEqual([])
}

test('vite-react: built, typed, isolated, resumed after a reload', async ({ page }) => {
  app = App.ofExample('vite-react', packed)
  app.run('npm', 'run', 'build')
  expect(readFileSync(join(app.folder, 'dist', '_headers'), 'utf8')).toContain(
    'Cross-Origin-Embedder-Policy: require-corp',
  )
  const url = await app.serve('/', 'vite', 'preview', '--strictPort')
  await reportSurvivesReload(page, url)
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  await expect(page.getByRole('list', { name: 'Runs' })).toHaveText('2026-11: completed')

  // A wrong key is an error of the compiler.
  const file = join(app.folder, 'src', 'app.tsx')
  const source = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    source.replace("trigger({ month: '2026-11' })", "trigger({ moth: '2026-11' })"),
  )
  expect(() => app.run('npx', 'tsc', '--noEmit')).toThrow(/app\.tsx.*'moth' does not exist/s)
})

test('vite-react in dev: a job is changed, broken and mended', async ({ page }) => {
  app = App.ofExample('vite-react', packed)
  const url = await app.serve('/', 'vite', '--strictPort')
  await page.goto(url)
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 60_000 })
  await button.click()
  await expect(page.getByRole('status')).toContainText(/leased [1-5]\/6/)

  // A run that is under way goes on with the new code, after the parts that are saved.
  const file = join(app.folder, 'src', 'jobs', 'reports.py')
  const source = readFileSync(file, 'utf8')
  const changed = source.replace('{month}, part', '{month}, new part')
  writeFileSync(file, changed)
  await expect(page.locator('ol li').last()).toHaveText('2026-11, new part 6', { timeout: 60_000 })
  await expect(page.locator('ol li').first()).toHaveText('2026-11, part 1')

  writeFileSync(file, changed.replace('return f"', 'retrun f"'))
  const overlay = page.locator('vite-error-overlay')
  await expect(overlay).toContainText('SyntaxError', { timeout: 30_000 })
  await expect(overlay).toContainText('reports.py')

  writeFileSync(file, changed.replace('lines: list[str]', 'lines: list[str]\n    pages: int = 1'))
  await expect(overlay).toHaveCount(0, { timeout: 30_000 })
  await expect(button).toBeEnabled({ timeout: 60_000 })
  await expect
    .poll(() => readFileSync(`${file}.d.ts`, 'utf8'), { timeout: 10_000 })
    .toContain('pages: number')
})

test('vite-react in dev: a package is added, and the server starts anew', async ({ page }) => {
  app = App.ofExample('vite-react', packed)
  const url = await app.serve('/', 'vite', '--strictPort')
  await page.goto(url)
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 60_000 })

  const jobs = join(app.folder, 'src', 'jobs', 'reports.py')
  const source = readFileSync(jobs, 'utf8')
  writeFileSync(
    jobs,
    `import pypdf\n${source}`.replace('{month}, part', 'pypdf {pypdf.__version__}, part'),
  )
  const overlay = page.locator('vite-error-overlay')
  await expect(overlay).toContainText("No module named 'pypdf'", { timeout: 30_000 })

  const config = join(app.folder, 'vite.config.ts')
  const options = readFileSync(config, 'utf8')
  writeFileSync(
    config,
    options.replace("jobs: 'src/jobs'", "jobs: 'src/jobs', packages: ['pypdf==5.9.0']"),
  )
  await expect
    .poll(() => existsSync(join(app.folder, 'durably.lock.json')), { timeout: 60_000 })
    .toBe(true)
  await expect(async () => {
    await page.goto(url)
    await expect(button).toBeEnabled({ timeout: 20_000 })
  }).toPass({ timeout: 90_000 })
  await button.click()
  await expect(page.locator('ol li').last()).toHaveText('pypdf 5.9.0, part 6', { timeout: 60_000 })
})

test('vite-react with the tools of before: Vite 7, TypeScript 5.9 and 6', async ({ page }) => {
  app = App.ofExample('vite-react', packed)
  for (const version of ['5.9.3', '6.0.3']) {
    app.run('npm', 'install', '--save-dev', `typescript@${version}`)
    app.run('npx', 'tsc', '--noEmit')
  }
  app.run('npm', 'install', '--save-dev', 'vite@7.3.8', '@vitejs/plugin-react@5.1.1')
  app.run('npm', 'run', 'build')
  const built = await app.serve('/', 'vite', 'preview', '--strictPort')
  await reportSurvivesReload(page, built)
  app.stop()
  const dev = await app.serve('/', 'vite', '--strictPort')
  await page.goto(dev)
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 60_000 })
})

test('vanilla: no React, under a sub-path', async ({ page }) => {
  app = App.ofExample('vanilla', packed)
  app.run('npm', 'run', 'build')
  const url = await app.serve('/reports/', 'vite', 'preview', '--strictPort')
  await reportSurvivesReload(page, url)
})

test('static: no bundler, no headers', async ({ page }) => {
  app = App.ofExample('static', packed)
  app.run('npm', 'run', 'build')
  const url = await app.serve('/', 'sirv', 'public', '--host', 'localhost')
  await reportSurvivesReload(page, url)
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
  // The same again writes nothing, and leaves nothing of another time.
  expect(app.run('npm', 'run', 'build')).toContain('durably-py: 0 files written')
  expect(existsSync(join(app.folder, 'jobs', 'reports.py.d.ts'))).toBe(true)
})

test('webpack: it bundles the client, and nothing of Python', async ({ page }) => {
  app = App.ofExample('webpack', packed)
  app.run('npm', 'run', 'build')
  const url = await app.serve('/', 'sirv', 'public', '--host', 'localhost')
  await reportSurvivesReload(page, url)
})
