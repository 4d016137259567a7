/** What one run waits for. */

import { AskedStore } from './asked-store'
import type { DurablyClient } from './client'
import type { EventType } from './events'
import type { Wait } from './types'

const CHANGES: readonly EventType[] = [
  'run:waiting',
  'wait:resolve',
  'run:leased',
  'run:resume',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
]

/** Asks again when the run comes to a wait, or one is resolved. Shape fits `useSyncExternalStore`. */
export class WaitsStore extends AskedStore<readonly Wait[]> {
  constructor(client: DurablyClient, runId: string) {
    super(client, () => client.getWaits(runId), CHANGES, { runId }, null)
  }
}
