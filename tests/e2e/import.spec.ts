/** A person imports a file and looks at what came of it. */

import { expect, test } from './support/browser'
import { expectResult, expectStoredOnce, reach, startImport, waitForStatus } from './support/demo'
import { nastyCsv } from './support/nasty-csv'
import { seedFrom } from './support/random'

test('60,000 rows go in whole, and what is refused has a row, a column and a reason', async ({
  profile,
}) => {
  const csv = nastyCsv(60_000, seedFrom('CSV_SEED'))
  const page = await profile.show('/')
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))

  const began = Date.now()
  await startImport(page, { name: 'nasty.csv', content: csv.bytes })
  await expect(page.getByTestId('progress-message')).toContainText('rows imported')
  await expect(page.getByTestId('log')).toContainText('Rows')
  await waitForStatus(page, 'completed')
  console.log(`  ${csv.bytes.length} bytes in ${((Date.now() - began) / 1000).toFixed(1)} s`)

  await expectResult(page, csv)
  const refused = page.getByTestId('refused-rows')
  await expect(refused.getByTestId('page-range')).toHaveText(`1–50 of ${csv.refused.length}`)
  const [first] = csv.refused
  await expect(refused.locator('tbody tr').first()).toContainText(String(first?.column))
  const rows = page.getByTestId('rows')
  await rows.getByRole('button', { name: 'Last page' }).click()
  await expect(rows.locator('tbody tr').last()).toContainText(String(csv.rows.at(-1)?.[1]))
  await expectStoredOnce(page, profile, csv, 0)
  expect(errors).toEqual([])
})

test('a file without refused rows, with semicolons and CR line ends', async ({ profile }) => {
  const page = await profile.show('/')

  await startImport(page, { name: 'small.csv', content: Buffer.from('a;b\r1;"x;y"\r2;\r') })
  await waitForStatus(page, 'completed')

  await expect(page.getByTestId('imported')).toHaveText('2')
  await expect(page.getByTestId('result')).toContainText('separated by semicolons')
  await expect(page.getByTestId('refused-rows')).toContainText('every row fits the header')
  await expect(page.getByTestId('rows').locator('tbody tr').first()).toContainText('x;y')
})

test('who has no file takes a made-up one', async ({ profile }) => {
  const page = await profile.show('/')

  await page.getByRole('button', { name: 'Take a made-up one' }).click()
  await expect(page.getByTestId('file-name')).toHaveText('sample.csv')
  await page.getByTestId('import').click()
  await waitForStatus(page, 'completed')

  await expect(page.getByTestId('imported')).toHaveText('19,992')
  await expect(page.getByTestId('refused')).toHaveText('8')
  await expect(page.getByTestId('run').getByRole('status')).toHaveText(
    'Imported: 19,992 rows, 8 refused',
  )
})

test('a second import replaces the first on the page, not in the database', async ({ profile }) => {
  const page = await profile.show('/')
  for (const [name, text] of [
    ['one.csv', 'a\n1\n'],
    ['two.csv', 'a\n1\n2\n'],
  ] as const) {
    await startImport(page, { name, content: Buffer.from(text) })
    await expect(page.getByTestId('imported')).toHaveText(name === 'one.csv' ? '1' : '2')
  }

  await page.reload()

  await expect(page.getByTestId('imported')).toHaveText('2')
  await expect(page.getByTestId('run').getByRole('heading')).toHaveText('Imported two.csv')
})

test('cancelled, then continued: no batch that was saved is read again (law 1)', async ({
  profile,
}) => {
  const csv = nastyCsv(20_000, seedFrom('CSV_SEED'))
  const page = await profile.show('/')
  await startImport(page, { name: 'nasty.csv', content: csv.bytes })
  await reach(page, 0.02)

  await page.getByRole('button', { name: 'Cancel' }).click()
  await waitForStatus(page, 'cancelled')
  await page.getByRole('button', { name: 'Go on from the last saved batch' }).click()
  await waitForStatus(page, 'completed')

  await expectResult(page, csv)
  await expectStoredOnce(page, profile, csv, 1)
})
