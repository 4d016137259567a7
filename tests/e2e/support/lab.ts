/** The lab page: the client without the demo's screen. */

import type { BrowserContext, Page } from '@playwright/test'
import type { Profile } from './browser'

/** The demo's own store, and one that only tests use. */
export const DEMO_STORE = 'durably-demo'
export const LAB_STORE = 'durably-lab'

/** Show the lab on the page that is open; resolves when Python is ready. */
export async function showLab(page: Page, profile: Profile, store = LAB_STORE): Promise<Page> {
  await page.goto(profile.url(`/lab/?store=${store}`))
  await page.waitForFunction(() => 'lab' in window, undefined, { timeout: 60_000 })
  return page
}

/** Start the browser and show the lab in it. */
export async function openLab(profile: Profile, store = LAB_STORE): Promise<Page> {
  return showLab(await firstPage(await profile.open()), profile, store)
}

/** Wait until a run has ended; return its state. */
export function waitForRun(lab: Page, runId: string) {
  return lab.evaluate((id) => window.lab.waitForRun(id), runId)
}

async function firstPage(context: BrowserContext): Promise<Page> {
  return context.pages()[0] ?? (await context.newPage())
}
