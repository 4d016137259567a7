/** A Firefox on a profile of its own, and the built demo's lab in it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { type PreviewServer, preview } from 'vite'
import type { JournalEntry } from '../e2e/support/journal'

const PORT = 4573

export class Firefox {
  readonly #browser: Browser
  readonly #server: PreviewServer
  readonly #profile: string

  private constructor(browser: Browser, server: PreviewServer, profile: string) {
    this.#browser = browser
    this.#server = server
    this.#profile = profile
  }

  static async open(): Promise<Firefox> {
    const server = await preview({ preview: { port: PORT }, logLevel: 'silent' })
    const profile = await mkdtemp(join(tmpdir(), 'durably-firefox-'))
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env.DURABLY_FIREFOX ?? 'firefox',
      headless: true,
      userDataDir: profile,
      protocolTimeout: 170_000,
    })
    return new Firefox(browser, server, profile)
  }

  /** Show the lab in a new tab; resolves when an engine answers. */
  async lab(store: string): Promise<Page> {
    const page = await this.show(`http://localhost:${PORT}/lab/?store=${store}`)
    await ready(page)
    return page
  }

  async show(url: string): Promise<Page> {
    const page = await this.#browser.newPage()
    await page.goto(url)
    return page
  }

  async close(): Promise<void> {
    await this.#browser.close()
    await this.#server.close()
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => 'lab' in window, { timeout: 90_000, polling: 50 })
}

/** Start a run of *count* steps that each write down their execution. */
export async function startSteps(page: Page, count: number): Promise<string> {
  const input = { count, journal: true }
  return page.evaluate(async (given) => (await window.lab.trigger('steps', given)).runId, input)
}

/** Wait until *count* steps of the run are saved. */
export async function saved(page: Page, runId: string, count: number): Promise<void> {
  await page.waitForFunction(
    async (id, least) => ((await window.lab.getRun(id))?.completedStepCount ?? 0) >= least,
    { timeout: 90_000, polling: 50 },
    runId,
    count,
  )
}

/** Wait for the end of a run; return its output and the journal of its steps. */
export async function ended(page: Page, runId: string) {
  return page.evaluate(async (id) => {
    const { status, output } = await window.lab.waitForRun(id)
    const journal: JournalEntry[] = []
    for (;;) {
      const input = { run: id, after: journal.length }
      const part = await window.lab.query<JournalEntry[]>('journal', input)
      if (part.length === 0) return { status, output, journal }
      journal.push(...part)
    }
  }, runId)
}
