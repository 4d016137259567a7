/** The demo app as a person uses it. */

import { expect, type Page } from '@playwright/test'
import type { Profile } from './browser'
import { breaches, readJournal } from './journal'
import { DEMO_STORE, showLab } from './lab'
import type { NastyCsv } from './nasty-csv'

interface CsvFile {
  readonly name: string
  readonly content: Buffer
}

/** Choose a file and press Import. */
export async function startImport(page: Page, { name, content }: CsvFile): Promise<void> {
  await page.getByTestId('file').setInputFiles({ name, mimeType: 'text/csv', buffer: content })
  await page.getByTestId('import').click()
}

/** Wait until at least *share* of the file is imported. */
export async function reach(page: Page, share: number): Promise<void> {
  await expect
    .poll(
      async () => {
        const status = await page.getByTestId('run').getAttribute('data-status')
        if (status === 'completed')
          throw new Error('the import ended before it could be interrupted')
        return Number.parseInt((await page.getByTestId('percent').textContent()) ?? '0', 10) || 0
      },
      { intervals: [20], timeout: 90_000 },
    )
    .toBeGreaterThanOrEqual(share * 100)
}

export async function waitForStatus(page: Page, status: string): Promise<void> {
  await expect(page.getByTestId('run')).toHaveAttribute('data-status', status, { timeout: 90_000 })
}

/** Hold what the page shows against what the file holds. */
export async function expectResult(page: Page, csv: NastyCsv): Promise<void> {
  const counts = new Intl.NumberFormat('en')
  await expect(page.getByTestId('imported')).toHaveText(counts.format(csv.rows.length))
  await expect(page.getByTestId('refused')).toHaveText(counts.format(csv.refused.length))
  await expect(page.getByTestId('blank')).toHaveText(counts.format(csv.blank))
  await expect(page.getByTestId('columns').getByRole('rowheader')).toHaveText([...csv.columns])
}

/**
 * Hold the stored rows, all of them, against the file, and the journal against law 1.
 * Leaves *page* on the lab, with the demo's store.
 */
export async function expectStoredOnce(
  page: Page,
  profile: Profile,
  csv: NastyCsv,
  deaths: number,
): Promise<void> {
  const lab = await showLab(page, profile, DEMO_STORE)
  const [run] = await lab.evaluate(() => window.lab.getRuns({ jobName: 'import-csv', limit: 1 }))
  if (run === undefined) throw new Error('no import is known any more')
  const stored = await lab.evaluate(readEverything, run.id)
  expect(stored.rows).toEqual(csv.rows)
  expect(stored.refused).toEqual(csv.refused)
  const batches = Math.ceil((csv.rows.length + csv.refused.length + csv.blank) / 1000)
  const steps = Array.from({ length: batches }, (_, index) => `rows-${index + 1}`)
  expect(breaches(await readJournal(lab, run.id), steps, deaths)).toEqual([])
}

/** Runs in the page. */
async function readEverything(run: string) {
  const pages = async <Row>(name: string): Promise<Row[]> => {
    const all: Row[] = []
    for (;;) {
      const input = { run, offset: all.length, limit: 500 }
      const { rows } = await window.lab.query<{ rows: Row[] }>(name, input)
      if (rows.length === 0) return all
      all.push(...rows)
    }
  }
  const refused = await pages<{ row: number; column: string }>('refused-rows')
  return {
    rows: await pages<[number, ...string[]]>('rows'),
    refused: refused.map(({ row, column }) => ({ row, column })),
  }
}
