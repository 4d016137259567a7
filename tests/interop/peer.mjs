/**
 * `@coji/durably` 0.15 on a SQLite file or PostgreSQL, told what to do by a Python test: `node peer.mjs <file or URL> <verb> [json]`.
 * Prints its answer as one line of JSON.
 */

import { createDurably, defineJob } from '@coji/durably'
import { createClient } from '@libsql/client'
import { LibsqlDialect } from '@libsql/kysely-libsql'
import { PostgresDialect } from 'kysely'
import pg from 'pg'
import { z } from 'zod'

const [place, verb, argument = 'null'] = process.argv.slice(2)

const addUp = defineJob({
  name: 'add-up',
  input: z.object({ numbers: z.array(z.number()), note: z.string().default('none') }),
  output: z.object({ sum: z.number() }),
  run: async (step, input) => {
    let sum = 0
    for (const [index, number] of input.numbers.entries()) {
      sum = await step.run(`add ${index}`, async () => sum + number)
      step.progress(index + 1, input.numbers.length, 'adding')
    }
    return { sum }
  },
})

/** The database's dialect, and how to let go of it. */
function open() {
  if (place.startsWith('postgresql:')) {
    const pool = new pg.Pool({ connectionString: place })
    return { dialect: new PostgresDialect({ pool }), close: () => pool.end() }
  }
  const client = createClient({ url: `file:${place}` })
  return { dialect: new LibsqlDialect({ client }), close: () => client.close() }
}

const { dialect, close } = open()
const durably = createDurably({
  dialect,
  jobs: { addUp },
  pollingIntervalMs: 20,
  preserveSteps: true,
})

const verbs = {
  list: async () => {
    const runs = await durably.getRuns()
    const steps = await Promise.all(runs.map((run) => durably.storage.getSteps(run.id)))
    return runs.map((run, index) => ({ ...run, steps: steps[index] }))
  },
  trigger: async ({ input, options }) => durably.jobs.addUp.trigger(input, options),
  run: async ({ input, options }) => {
    await durably.init()
    return durably.jobs.addUp.triggerAndWait(input, options)
  },
  work: async () => {
    await durably.init()
    while ((await durably.getRuns({ status: ['pending', 'leased'] })).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return null
  },
}

await durably.migrate()
const answer = await verbs[verb](JSON.parse(argument))
await durably.stop()
await close()
console.log(JSON.stringify(answer ?? null))
