/** What happens to a list of runs: what makes it another list, and what changes one run in its place. */

import type { EventType, RunEvent } from './events'
import type { ClientRun } from './types'

export const CHANGES: readonly EventType[] = [
  'run:trigger',
  'run:leased',
  'run:release',
  'run:waiting',
  'run:resume',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
]
export const PATCHES: readonly EventType[] = ['run:progress', 'step:complete']

/** Return which run *event* changes in its place, and what of it; null when it is none of PATCHES. */
export function patchOf(
  event: RunEvent,
): { readonly runId: string; readonly changes: Partial<ClientRun> } | null {
  const { type } = event
  if (type === 'run:progress') return { runId: event.runId, changes: { progress: event.progress } }
  if (type !== 'step:complete') return null
  return { runId: event.runId, changes: { currentStepIndex: event.stepIndex + 1 } }
}
