/** What the steps of a run wrote down when they were executed, held against law 1. */

import type { Page } from '@playwright/test'

export interface JournalEntry {
  readonly step: string
  readonly token: string
}

/** Read the whole journal of a run, on a page that is a lab. */
export async function readJournal(lab: Page, run: string): Promise<readonly JournalEntry[]> {
  const journal: JournalEntry[] = []
  for (;;) {
    const part = await lab.evaluate((input) => window.lab.query<JournalEntry[]>('journal', input), {
      run,
      after: journal.length,
    })
    if (part.length === 0) return journal
    journal.push(...part)
  }
}

/**
 * Say what in *journal* breaks law 1; nothing when it holds.
 *
 * Steps come one after the other, so a step that starts shows that the job has seen the result of
 * the one before. A step may be executed again only where the browser died in it: right after its
 * own entry, and never after the entry of a later one.
 */
export function breaches(
  journal: readonly JournalEntry[],
  steps: readonly string[],
  deaths: number,
): string[] {
  const found: string[] = []
  const position = new Map(steps.map((step, index) => [step, index]))
  let reached = -1
  let repeats = 0
  for (const [line, { step }] of journal.entries()) {
    const index = position.get(step)
    if (index === undefined) {
      found.push(`entry ${line}: ${step} is no step of this run`)
    } else if (index === reached) {
      repeats += 1
    } else if (index < reached) {
      found.push(`entry ${line}: ${step} ran again after ${steps[reached]}`)
    } else if (index > reached + 1) {
      found.push(`entry ${line}: ${steps[reached + 1]} was skipped`)
    }
    reached = Math.max(reached, index ?? reached)
  }
  if (reached < steps.length - 1) found.push(`${steps[reached + 1]} never ran`)
  if (repeats > deaths) found.push(`${repeats} repeats after ${deaths} deaths`)
  return found
}

/** The token of each step's last execution: the one that counts. */
export function lastTokens(journal: readonly JournalEntry[]): string[] {
  return [...new Map(journal.map(({ step, token }) => [step, token])).values()]
}
