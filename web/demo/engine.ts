/** Starts Python in its worker once, and finds the import that the page shows first. */

import type { ClientRun, RunStore } from 'durably-py'
import { startApp } from 'durably-py/app'
import type { EngineReady } from 'durably-py/inspector'
import { importCsv } from './jobs/demo_jobs/importing.py'

let ready: EngineReady | undefined

export const engine = startApp({
  onReady: (info) => {
    ready = info
  },
})

/** What the engine said when it was ready last. */
export const lastReady = (): EngineReady | undefined => ready

/** Kept, so that the hook finds this store and shows the true status from its first render on. */
let latestStore: RunStore | null = null

/** The newest import when the engine is ready; its run store knows its status already. */
export const latest: Promise<ClientRun | null> = engine.then(async (client) => {
  const [run] = await client.getRuns({ jobName: importCsv.name, limit: 1 })
  if (run === undefined) return null
  latestStore = client.runStore(run.id)
  latestStore.assume(run)
  return run
})

// A failed boot is thrown to the page by the provider; here it must not be an unhandled one.
latest.catch(() => undefined)
