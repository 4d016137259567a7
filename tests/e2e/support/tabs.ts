/** Several labs over one store, in one browser. */

import type { BrowserContext, Page } from '@playwright/test'
import type { Role } from '../../../web/core/index'
import { expect, type Profile } from './browser'
import { LAB_STORE, showLab } from './lab'

/** Open *count* labs, one after the other: the first one owns the engine. */
export async function openTabs(profile: Profile, count: number): Promise<Page[]> {
  const context = await profile.open()
  const tabs: Page[] = []
  for (let tab = 0; tab < count; tab++) {
    tabs.push(await showLab(await context.newPage(), profile))
  }
  return tabs
}

/** Open a lab without waiting for its engine. */
export async function startTab(context: BrowserContext, profile: Profile): Promise<Page> {
  const tab = await context.newPage()
  await tab.goto(profile.url(`/lab/?store=${LAB_STORE}`), { waitUntil: 'commit' })
  return tab
}

/** Wait until the lab of a tab has an engine, its own or another tab's. */
export async function ready(tab: Page): Promise<void> {
  // By the clock: a tab in the background paints no frames.
  await tab.waitForFunction(() => 'lab' in window, undefined, { timeout: 60_000, polling: 50 })
}

/** What a tab says of itself; null while its page is being loaded. */
export function roleOf(tab: Page): Promise<Role | null> {
  return tab.evaluate(() => ('lab' in window ? window.lab.status.getSnapshot().role : null))
}

export async function expectRole(tab: Page, role: Role): Promise<void> {
  await expect.poll(() => roleOf(tab), { intervals: [50] }).toBe(role)
}

/** End a tab's process, as a bug in the browser would. Tabs that share the process go with it. */
export async function crash(tab: Page): Promise<void> {
  const crashed = tab.waitForEvent('crash')
  await tab.goto('chrome://crash').catch(() => undefined)
  await crashed
}

/** Wait until a run has saved *count* steps. */
export async function saved(tab: Page, runId: string, count: number): Promise<void> {
  await expect
    .poll(() => tab.evaluate(async (id) => (await window.lab.getSteps(id)).length, runId), {
      intervals: [20],
    })
    .toBeGreaterThanOrEqual(count)
}
