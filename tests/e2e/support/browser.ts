/** A Chromium on a profile of its own, which can be killed like a power cut and opened again. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Browser,
  type BrowserContext,
  test as base,
  chromium,
  type Page,
} from '@playwright/test'
import { chromiumPath } from '../../../scripts/chromium.mjs'

const START_TIMEOUT = 30_000

/** A folder that keeps what a browser stores on disk: in a fresh context OPFS is memory. */
export class Profile {
  readonly #folder: string
  readonly #baseURL: string
  #process: ChildProcess | null = null
  #browser: Browser | null = null

  constructor(folder: string, baseURL: string) {
    this.#folder = folder
    this.#baseURL = baseURL
  }

  /** The running browser's, or null. */
  get context(): BrowserContext | null {
    return this.#browser?.contexts()[0] ?? null
  }

  /** Start the browser; there is one at a time. */
  async open(): Promise<BrowserContext> {
    const portFile = join(this.#folder, 'DevToolsActivePort')
    await rm(portFile, { force: true })
    this.#process = spawn(
      chromiumPath(),
      [
        '--headless=new',
        '--no-sandbox',
        '--no-first-run',
        '--disable-gpu',
        '--remote-debugging-port=0',
        `--user-data-dir=${this.#folder}`,
        'about:blank',
      ],
      // A group of its own, so that a kill takes every process of the browser at once.
      { stdio: 'ignore', detached: true },
    )
    const port = await firstLine(portFile)
    this.#browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
    const [context] = this.#browser.contexts()
    if (context === undefined) throw new Error('the browser has no default context')
    return context
  }

  /** Start the browser and show *path*. */
  async show(path: string): Promise<Page> {
    const context = await this.open()
    const page = context.pages()[0] ?? (await context.newPage())
    await page.goto(this.url(path))
    return page
  }

  url(path: string): string {
    return new URL(path, this.#baseURL).href
  }

  /** End the browser with SIGKILL: nothing of it gets to say goodbye. */
  async kill(): Promise<void> {
    const process_ = this.#process
    if (process_?.pid === undefined) return
    const isGone = process_.exitCode !== null || process_.signalCode !== null
    const gone = isGone ? null : once(process_, 'exit')
    try {
      process.kill(-process_.pid, 'SIGKILL')
    } catch {
      // The whole group is gone already.
    }
    await gone
    await this.#browser?.close().catch(() => undefined)
    this.#process = this.#browser = null
  }

  async remove(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
}

async function firstLine(file: string): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT
  while (Date.now() < deadline) {
    const text = await readFile(file, 'utf8').catch(() => '')
    const line = text.split('\n')[0]
    if (line) return line
    await sleep(50)
  }
  throw new Error('the browser did not start')
}

export const test = base.extend<{ profile: Profile }>({
  profile: async ({ baseURL }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'durably-profile-'))
    const profile = new Profile(folder, baseURL ?? 'http://localhost:4273')
    await use(profile)
    await profile.remove()
  },
})

export { expect } from '@playwright/test'
