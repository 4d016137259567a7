/** Take the README's pictures of the built demo, by hand when it looks different: `node scripts/screenshots.mjs`. */

import { mkdirSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { chromiumPath } from './chromium.mjs'
import { at } from './paths.mjs'
import { serveStatic } from './preview-static.mjs'

const FOLDER = at('docs', 'images')
const PATIENCE = { timeout: 90_000 }

mkdirSync(FOLDER, { recursive: true })
const server = await serveStatic({ folder: at('dist', 'demo'), port: 0 })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 720 } })
  await page.goto(`http://localhost:${server.address().port}/`)
  await page.getByRole('button', { name: 'Take a made-up one' }).click(PATIENCE)
  await page.getByTestId('import').click()
  await page.locator('[data-testid=run][data-status=completed]').waitFor(PATIENCE)

  await page.getByRole('link', { name: 'Tables' }).click()
  await page.getByTestId('sync').getByRole('button', { name: 'Fetch' }).click()
  await page.getByTestId('sync').getByTestId('made').waitFor(PATIENCE)
  await page
    .getByTestId('tables')
    .getByRole('button', { name: /^sample/ })
    .click()
  await page.getByTestId('table').getByRole('button', { name: 'Report', exact: true }).click()
  await page.getByLabel('For each').selectOption('city')
  await page.getByLabel('Tell the').selectOption('sum')
  await page.getByLabel('Of', { exact: true }).selectOption('spent')
  await page.getByRole('button', { name: 'Make the report' }).click()
  await page.getByTestId('tool-report').getByRole('img').waitFor(PATIENCE)
  await takeBoth(page, 'desk')

  await page.getByRole('link', { name: 'Inspector' }).click()
  await page.locator('[data-run]').first().waitFor(PATIENCE)
  await takeBoth(page, 'inspector')
} finally {
  await browser.close()
  server.close()
  server.closeAllConnections()
}

async function takeBoth(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${FOLDER}/${name}-${colorScheme}.png`, fullPage: true })
  }
}
