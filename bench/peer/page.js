/** `@coji/durably` on `sqlocal`, set up as its guide says, with the part of the lab's client that is measured. */

import { createDurably, defineJob } from '@coji/durably'
import { SQLocalKysely } from 'sqlocal/kysely'
import { z } from 'zod'

const steps = defineJob({
  name: 'steps',
  input: z.object({ count: z.number() }),
  output: z.array(z.string()),
  run: async (step, { count }) => {
    const names = []
    for (let number = 0; number < count; number++) {
      names.push(await step.run(`step-${number}`, () => `step-${number}`))
    }
    return names
  },
})

const compute = defineJob({
  name: 'compute',
  input: z.object({ seconds: z.number() }),
  output: z.number(),
  run: (step, { seconds }) =>
    step.run('compute', () => {
      const end = performance.now() + seconds * 1000
      let rounds = 0
      while (performance.now() < end) rounds += 1
      return rounds
    }),
})

const store = new URLSearchParams(location.search).get('store') ?? 'peer'
const began = performance.now()
const { dialect } = new SQLocalKysely(`${store}.sqlite3`)
const durably = createDurably({
  dialect,
  // What its guide recommends for a browser.
  pollingIntervalMs: 100,
  leaseRenewIntervalMs: 500,
  leaseMs: 3_000,
  jobs: { steps, compute },
})

/** When the newest run was leased and when its first step that was not saved began. */
const resumed = { leased: 0, began: 0 }
durably.on('run:leased', () => {
  Object.assign(resumed, { leased: performance.now(), began: 0 })
})
durably.on('step:start', () => {
  resumed.began ||= performance.now()
})

await durably.init()

const named = ({ id }) => ({ runId: id })

window.lab = {
  resumed,
  bootMs: performance.now() - began,
  trigger: async (job, input) => named(await durably.jobs[job].trigger(input)),
  triggerAndWait: (job, input) => durably.jobs[job].triggerAndWait(input),
  batchTrigger: async (job, items) =>
    (await durably.jobs[job].batchTrigger(items.map(({ input }) => ({ input })))).map(named),
  waitForRun: (id) => durably.waitForRun(id),
  getRun: (id) => durably.getRun(id),
  getRuns: (filter) => durably.getRuns(filter),
  getSteps: (id) => durably.storage.getSteps(id),
  /** Let runs wait, so that what is measured is not the work on them. */
  pause: () => durably.stop(),
}
