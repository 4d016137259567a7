/** Bad input and bad luck give a clear message, and nothing is lost. */

import type { Page } from '@playwright/test'
import { expect, test } from './support/browser'
import { expectResult, expectStoredOnce, reach, startImport, waitForStatus } from './support/demo'
import { openLab } from './support/lab'
import { nastyCsv } from './support/nasty-csv'
import { seedFrom } from './support/random'

async function expectProblem(page: Page, code: string, words: string): Promise<void> {
  const problem = page.getByTestId('problem')
  await expect(problem).toHaveAttribute('data-code', code)
  await expect(problem).toContainText(words)
}

test('law 10: what is no CSV is refused with a code, a sentence and what to do', async ({
  profile,
}) => {
  const page = await profile.show('/')
  for (const [content, code, words] of [
    [Buffer.alloc(0), 'empty_file', 'no bytes at all'],
    [Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'not_csv', 'a PNG picture'],
    [Buffer.from('a,b\n1,\0\n'), 'not_csv', 'NUL'],
    [Buffer.from('name\nJos\x81\n', 'latin1'), 'not_utf8', '0x81 at offset 8 (line 2)'],
    [Buffer.from('{"a": 1}'), 'not_csv', 'JSON'],
  ] as const) {
    await startImport(page, { name: `${words}.csv`, content })
    await expectProblem(page, code, words)
    await waitForStatus(page, 'failed')
    await expect(page.getByTestId('rows')).toHaveCount(0)
  }
})

test('what is chosen beats what is guessed: refused as UTF-8, imported as Windows-1252', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await page.getByText('Encoding and delimiter').click()
  const encoding = page.getByLabel('Encoding', { exact: true })
  await encoding.selectOption('utf-8')
  await startImport(page, { name: 'l.csv', content: Buffer.from('name\nJos\xe9\n', 'latin1') })
  await expectProblem(page, 'not_utf8', '0xE9 at offset 8 (line 2)')

  await encoding.selectOption('windows-1252')
  await page.getByTestId('import').click()
  await waitForStatus(page, 'completed')

  await expect(page.getByTestId('rows').locator('tbody tr')).toContainText('José')
})

test('an input that breaks the schema names the field, an unknown job is named', async ({
  profile,
}) => {
  const lab = await openLab(profile)
  const refusalOf = (job: string, input: object) =>
    lab.evaluate(
      ([name, value]) =>
        window.lab.trigger(name, value).then(
          () => null,
          ({ code, message, problems }) => ({ code, message, problems }),
        ),
      [job, input] as const,
    )

  const broken = await refusalOf('import-csv', { file: { sha256: 'x', size: 1 }, options: {} })
  const unknown = await refusalOf('no-such-job', {})

  expect(broken?.code).toBe('validation')
  expect(broken?.message).toContain('file.sha256')
  expect(broken?.problems[0]?.path).toEqual(['file', 'sha256'])
  expect(unknown?.code).toBe('unknown_job')
  expect(unknown?.message).toContain('no-such-job')
  expect(await lab.evaluate(() => window.lab.getRuns())).toEqual([])
})

test('law 10: without OPFS the page says so, and what was stored is there afterwards', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await startImport(page, { name: 'a.csv', content: Buffer.from('a\n1\n') })
  await waitForStatus(page, 'completed')
  // It would answer for the network.
  await page.evaluate(async () => {
    const kept = await navigator.serviceWorker.getRegistrations()
    await Promise.all(kept.map((registration) => registration.unregister()))
  })
  await page.route(/worker.*\.js/, async (route) => {
    const response = await route.fetch()
    const refuse = `navigator.storage.getDirectory = () =>
      Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'));\n`
    await route.fulfill({ response, body: refuse + (await response.text()) })
  })

  await page.reload()
  await expectProblem(page, 'opfs_unavailable', 'private')
  await page.unroute(/worker.*\.js/)
  await page.reload()

  await expect(page.getByTestId('imported')).toHaveText('1')
})

test('laws 9, 10: a full disk suspends the import in view, and it goes on when there is room', async ({
  profile,
}) => {
  const csv = nastyCsv(100_000, seedFrom('CSV_SEED'))
  const page = await profile.show('/')
  const devtools = await page.context().newCDPSession(page)
  const origin = new URL(page.url()).origin
  await startImport(page, { name: 'nasty.csv', content: csv.bytes })
  await reach(page, 0.02)

  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 })
  await expectProblem(page, 'storage_full', 'nothing is lost')
  await devtools.send('Storage.overrideQuotaForOrigin', { origin })

  await waitForStatus(page, 'completed')
  await expect(page.getByTestId('problem')).toHaveCount(0)
  await expectResult(page, csv)
  await expectStoredOnce(page, profile, csv, 0)
})

test('law 10: a file for which there is no room is refused before a run exists', async ({
  profile,
}) => {
  const page = await profile.show('/')
  await expect(page.getByTestId('import')).toBeVisible()
  const devtools = await page.context().newCDPSession(page)
  const origin = new URL(page.url()).origin
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 100_000 })

  await startImport(page, { name: 'big.csv', content: Buffer.alloc(3_000_000, 'a,b\n') })

  await expectProblem(page, 'quota_exceeded', 'Free some space')
  await expect(page.getByTestId('run')).toHaveCount(0)
})
