/** docs/guides/quickstart.md, followed to its end in an empty folder, word by word. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { at } from '../../scripts/paths.mjs'
import { App, tarball } from './support'

interface Block {
  readonly language: string
  readonly title: string | null
  readonly code: string
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(at('docs', 'guides', page), 'utf8')
  const fences = text.matchAll(/^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$/gms)
  return [...fences].map(([, language = '', title = null, code = '']) => ({
    language,
    title,
    code,
  }))
}

async function writeReport(page: Page, url: string): Promise<void> {
  await page.goto(url)
  const button = page.getByRole('button', { name: 'Write the report' })
  await expect(button).toBeEnabled({ timeout: 90_000 })
  await button.click()
  await expect(page.getByRole('status')).toContainText(/leased [2-4]/, { timeout: 30_000 })
  await page.reload()
  await expect(page.locator('ol li')).toHaveText(
    [1, 2, 3, 4, 5, 6].map((part) => `2026-11, part ${part}`),
    { timeout: 60_000 },
  )
}

test('the quickstart leads where it says', async ({ page }) => {
  const packed = tarball()
  const app = new App()
  mkdirSync(app.folder, { recursive: true })
  let folder = app.folder
  const dev: string[] = []
  try {
    for (const { language, title, code } of blocksOf('quickstart.md')) {
      if (title !== null) {
        const file = join(folder, title)
        mkdirSync(dirname(file), { recursive: true })
        writeFileSync(file, code)
        continue
      }
      if (language !== 'sh') continue
      for (const line of code.trim().split('\n')) {
        const [command = '', ...args] = line.split(' ')
        if (command === 'cd') folder = join(folder, args[0] ?? '')
        else if (line === 'npm run dev' || line === 'npx vite preview') {
          const server = line === 'npm run dev' ? ['vite'] : ['vite', 'preview']
          const url = await app.serveIn(folder, '/', ...server, '--strictPort')
          await writeReport(page, url)
          dev.push(line)
          app.stop()
        } else {
          // What is published under that name is what was packed here.
          const given = args.map((arg) => (arg === 'durably-py' ? packed : arg))
          app.runIn(folder, command, ...given)
        }
      }
    }
    expect(dev).toEqual(['npm run dev', 'npx vite preview'])
  } finally {
    app.remove()
  }
})
