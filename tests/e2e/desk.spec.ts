/** A person works with their tables: cleans, joins, sums up, fetches; several jobs at once, and through faults. */

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test } from './support/browser'
import { startImport, waitForStatus } from './support/demo'

const SHOPS =
  'shop,city,opened,sales\n Ada ,Köln,1.2.2020,"1.234,50"\nBob,Lisbon,28.2.2021,"99,00"\nBob,Lisbon,28.2.2021,"99,00"\nZoë,東京,31.12.2019,"7.000,00"\n'
const CITIES = 'city,country\nKöln,Germany\nLisbon,Portugal\nParis,France\n'

async function importFile(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole('link', { name: 'Import' }).click()
  await startImport(page, { name, content: Buffer.from(text) })
  await expect(page.getByTestId('run')).toContainText(name)
  await waitForStatus(page, 'completed')
}

async function choose(page: Page, table: string): Promise<void> {
  await page.getByRole('link', { name: 'Tables' }).click()
  await page.getByTestId('tables').getByRole('button', { name: table }).click()
  await expect(page.getByTestId('table').getByRole('heading')).toHaveText(
    table.replace(/ \w+$/, ''),
  )
}

async function use(page: Page, tool: string, button: string) {
  await page.getByTestId('table').getByRole('button', { name: tool, exact: true }).first().click()
  const panel = page.getByTestId(`tool-${tool.toLowerCase()}`)
  await panel.getByRole('button', { name: button, exact: true }).click()
  await expect(panel.getByTestId('made')).toBeVisible({ timeout: 60_000 })
  return panel
}

const cells = (page: Page) => page.getByTestId('tool-rows').locator('tbody tr').allInnerTexts()

test('clean, join and report: each becomes a table, and the report can be saved', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await importFile(page, 'shops.csv', SHOPS)
  await importFile(page, 'cities.csv', CITIES)

  await choose(page, 'shops imported')
  const cleaned = await use(page, 'Clean', 'Clean')
  await expect(cleaned).toContainText('1 rows were there twice')
  await expect(cleaned.getByTestId('changes')).toContainText('1.234,50 → 1234.50')
  await cleaned.getByRole('button', { name: 'Show it' }).click()
  await expect(page.getByTestId('tool-rows').locator('tbody tr')).toHaveCount(3)
  expect(await cells(page)).toEqual([
    '2\tAda\tKöln\t2020-02-01\t1234.50',
    '3\tBob\tLisbon\t2021-02-28\t99.00',
    '5\tZoë\t東京\t2019-12-31\t7000.00',
  ])

  await page.getByTestId('table').getByRole('button', { name: 'Join', exact: true }).first().click()
  await page.getByLabel('Join with').selectOption({ label: 'cities' })
  const joined = await use(page, 'Join', 'Join')
  await expect(joined).toContainText('2 rows of shops cleaned found a partner, 1 did not')
  await joined.getByRole('button', { name: 'Show it' }).click()
  await expect(page.getByTestId('tool-rows')).toContainText('Portugal')

  await page
    .getByTestId('table')
    .getByRole('button', { name: 'Report', exact: true })
    .first()
    .click()
  await page.getByLabel('For each').selectOption('country')
  await page.getByLabel('Tell the').selectOption('sum')
  await page.getByLabel('Of', { exact: true }).selectOption('sales')
  const report = await use(page, 'Report', 'Make the report')
  await expect(report.getByRole('img')).toBeVisible()
  const saved = page.waitForEvent('download')
  await report.getByRole('button', { name: /Save as CSV/ }).click()
  const file = await readFile(await (await saved).path(), 'utf8')
  expect(file.split(/\r?\n/).sort()).toContain('Germany,1234.5')
  const sheet = page.waitForEvent('download')
  await report.getByRole('button', { name: /Save for Excel/ }).click()
  expect((await readFile(await (await sheet).path())).subarray(0, 2).toString()).toBe('PK')
})

test('files as people have them: Windows-1252 is recognised, and can be changed', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await startImport(page, {
    name: 'alt.csv',
    content: Buffer.from('Stra\xdfe;Gr\xf6\xdfe\nM\xfcllerweg;5\n', 'latin1'),
  })
  await waitForStatus(page, 'completed')
  await expect(page.getByTestId('notes')).toContainText('Windows-1252')
  await expect(page.getByTestId('rows')).toContainText('Müllerweg')
})

test('three jobs at once go on through a reload', async ({ profile }) => {
  const page = await profile.show('/')
  await page.getByRole('button', { name: 'Take a made-up one' }).click()
  await page.getByTestId('import').click()
  await waitForStatus(page, 'completed')
  await choose(page, 'sample imported')
  const panel = page.getByTestId('table')
  for (const [tool, button] of [
    ['Clean', 'Clean'],
    ['Report', 'Make the report'],
  ] as const) {
    await panel.getByRole('button', { name: tool, exact: true }).first().click()
    await page
      .getByTestId(`tool-${tool.toLowerCase()}`)
      .getByRole('button', { name: button, exact: true })
      .click()
  }
  await page.getByTestId('sync').getByRole('button', { name: 'Fetch' }).click()
  // What is not stored yet when a page is left was not triggered.
  await expect(page.getByTestId('tool-run')).toHaveCount(3)
  await page.reload()

  await page.getByRole('link', { name: 'Tables' }).click()
  for (const origin of ['cleaned', 'report', 'fetched', 'imported']) {
    await expect(page.getByTestId('tables').getByText(origin, { exact: true })).toHaveCount(1, {
      timeout: 90_000,
    })
  }
})

/** A source of numbered rows that fails, stalls, limits and breaks off before it answers. */
class BadSource {
  readonly #server: Server
  readonly asked: number[] = []
  readonly #tries = new Map<number, number>()

  constructor(pages: number) {
    this.#server = createServer((request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'))
      const tried = (this.#tries.get(page) ?? 0) + 1
      this.#tries.set(page, tried)
      response.setHeader('Access-Control-Allow-Origin', '*')
      if (tried === 1 && page % 4 === 1) {
        response.writeHead(503).end()
      } else if (tried === 1 && page % 4 === 2) {
        response
          .writeHead(429, { 'Retry-After': '1', 'Access-Control-Expose-Headers': 'Retry-After' })
          .end()
      } else if (tried === 1 && page % 4 === 3) {
        response.writeHead(200, { 'Content-Length': '1000' })
        response.write('[{"half')
        setTimeout(() => response.destroy(), 50)
      } else {
        this.asked.push(page)
        const rows =
          page > pages
            ? []
            : [
                { page, row: 1 },
                { page, row: 2 },
              ]
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(rows))
      }
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve))
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/rows`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

test('a fetch goes through faults, no network and a reload: each page is fetched and stored once', async ({
  profile,
}) => {
  const source = new BadSource(8)
  const page = await profile.show('/lab/?store=durably-demo')
  await page.waitForFunction(() => 'lab' in window)
  try {
    const url = await source.listen()
    const { runId } = await page.evaluate(
      (url) => window.lab.trigger('sync-source', { url, name: 'bad', paging: 'page' }),
      url,
    )
    await expect.poll(() => source.asked.length, { timeout: 60_000 }).toBeGreaterThan(2)
    await page.context().setOffline(true)
    await page.waitForTimeout(500)
    await page.context().setOffline(false)
    await page.reload()
    await page.waitForFunction(() => 'lab' in window)
    await page.evaluate((id) => window.lab.waitForRun(id), runId)

    const { rows, total } = await page.evaluate(
      (run) => window.lab.query<{ rows: string[][]; total: number }>('rows', { run, limit: 500 }),
      runId,
    )
    expect(total).toBe(16)
    expect(rows.map(([, number, row]) => `${number}.${row}`)).toEqual(
      Array.from({ length: 16 }, (_, index) => `${Math.floor(index / 2) + 1}.${(index % 2) + 1}`),
    )
  } finally {
    source.close()
  }
})

test('no view has a serious fault of accessibility, light or dark, narrow or wide', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await importFile(page, 'cities.csv', CITIES)
  for (const view of ['Import', 'Tables', 'Inspector']) {
    await page.getByRole('link', { name: view }).click()
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [360, 1200]) {
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 900 })
        const { violations } = await new AxeBuilder({ page }).analyze()
        const serious = violations.filter(
          ({ impact }) => impact === 'serious' || impact === 'critical',
        )
        expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
          width,
        )
      }
    }
  }
})
