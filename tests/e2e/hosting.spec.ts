/** The built folder on a static host: its headers, its policy, a sub-path, a host that sends nothing, an installed app. */

import { execFileSync } from 'node:child_process'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, type Page, test } from '@playwright/test'
import { at } from '../../scripts/paths.mjs'
import { serveStatic } from '../../scripts/preview-static.mjs'
import { expectResult, startImport, waitForStatus } from './support/demo'
import { nastyCsv } from './support/nasty-csv'

let server: Server | null = null

test.afterEach(() => {
  server?.close()
  server?.closeAllConnections()
  server = null
})

/** Serve as *options* say; return the address of the app. */
async function serve(options: Omit<Parameters<typeof serveStatic>[0], 'port'>): Promise<string> {
  server = await serveStatic({ ...options, port: 0 })
  const { port } = server.address() as AddressInfo
  return `http://localhost:${port}${options.base ?? '/'}`
}

async function openDemo(page: Page, url = '/'): Promise<void> {
  await page.goto(url)
  await expect(page.getByTestId('import')).toBeVisible({ timeout: 60_000 })
}

async function importOne(page: Page): Promise<void> {
  const csv = nastyCsv(1_500, 7)
  await startImport(page, { name: 'people.csv', content: csv.bytes })
  await waitForStatus(page, 'completed')
  await expectResult(page, csv)
}

/** What the page and its workers were forbidden. */
function violationsOf(page: Page): string[] {
  const found: string[] = []
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) found.push(message.text())
  })
  return found
}

test('an import runs under the policy that is shipped, and breaks none of it', async ({ page }) => {
  const violations = violationsOf(page)
  await openDemo(page)
  await importOne(page)

  expect(violations).toEqual([])
})

test('the policy holds: nothing inline, nothing remote, and WebAssembly in the worker only', async ({
  page,
}) => {
  await openDemo(page)
  const told = await page.evaluate(async () => {
    const script = document.createElement('script')
    script.textContent = 'window.wasInline = true'
    document.head.append(script)
    const forbidden = new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
        if (blockedURI.startsWith('http:')) resolve(effectiveDirective)
      })
    })
    await fetch('http://example.com').catch(() => {})
    return {
      inline: 'wasInline' in window,
      remote: await forbidden,
      wasm: await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(
        () => 'compiled',
        ({ name }) => name,
      ),
    }
  })

  expect(told).toEqual({ inline: false, remote: 'connect-src', wasm: 'CompileError' })
})

test('what is named by its content is kept for ever, the rest is asked for each time', async ({
  request,
  page,
}) => {
  const caching = async (path: string) => (await request.get(path)).headers()['cache-control']
  await openDemo(page)
  const names = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map(({ name }) => new URL(name).pathname)
      .filter((path) => path.startsWith('/assets/')),
  )

  expect(names.length).toBeGreaterThan(1)
  for (const name of names) expect(await caching(name)).toBe('public, max-age=31536000, immutable')
  for (const name of ['/', '/index.html', '/sw.js']) expect(await caching(name)).toBe('no-cache')
  expect((await request.get('/assets/gone.js')).headers()['cache-control']).toBeUndefined()
})

test('on Vercel the headers are those of vercel.json', async ({ page }) => {
  const violations = violationsOf(page)
  await openDemo(page, await serve({ folder: at('dist', 'demo'), host: 'vercel' }))

  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  expect(violations).toEqual([])
})

test.describe('below a path', () => {
  const folder = at('dist', 'demo-below')

  test.beforeAll(() => {
    const vite = at('node_modules', 'vite', 'bin', 'vite.js')
    const args = ['build', '--base', '/desk/', '--outDir', folder, '--logLevel', 'error']
    execFileSync(process.execPath, [vite, ...args], { cwd: at('.'), stdio: 'pipe' })
  })

  test('the app runs, isolated and under its policy', async ({ page }) => {
    const violations = violationsOf(page)
    await openDemo(page, await serve({ folder, base: '/desk/' }))
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    await importOne(page)
    expect(violations).toEqual([])
  })

  test('a host that sends no headers gets them from the service worker', async ({ page }) => {
    const url = await serve({ folder, base: '/desk/', host: 'none' })
    await page.goto(url)
    await expect
      .poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false), { timeout: 60_000 })
      .toBe(true)
    await openDemo(page, url)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  })
})

test('the app can be installed', async ({ page, context }) => {
  await openDemo(page)
  const session = await context.newCDPSession(page)
  const { errors, manifest } = await session.send('Page.getAppManifest', {})
  expect(errors).toEqual([])
  expect(JSON.stringify(manifest)).toContain('Data desk')
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  // Playwright's contexts are incognito windows, which install nothing.
  expect(
    installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'),
  ).toEqual([])
})

test('a file that is dropped anywhere is chosen', async ({ page }) => {
  await openDemo(page)
  await page.evaluate(() => {
    const data = new DataTransfer()
    data.items.add(new File(['a,b\n1,2\n'], 'dropped.csv', { type: 'text/csv' }))
    document
      .querySelector('footer')
      ?.dispatchEvent(
        new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }),
      )
  })
  await expect(page.getByTestId('file-name')).toHaveText('dropped.csv')
})
