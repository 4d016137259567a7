/** The stores behind the hooks, over the real engine and the real Python, under Node. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../../web/core/client'
import { JobStore } from '../../../../web/core/job-store'
import { QueryStore } from '../../../../web/core/query-store'
import { RunsStore } from '../../../../web/core/runs-store'
import { createWorkerTransport } from '../../../../web/spa/page/worker-transport'
import { MemoryOpfs } from '../../support/memory-opfs'
import { buildManifest, NodeWorker, stubWorkerGlobals } from '../../support/node-worker'

let client: DurablyClient

beforeEach(async () => {
  const manifestUrl = buildManifest()
  stubWorkerGlobals(new MemoryOpfs())
  const transport = createWorkerTransport(NodeWorker.makes(await NodeWorker.start()), {
    manifestUrl,
    store: 'test',
    snapshot: false,
  })
  await transport.ready
  client = new DurablyClient(transport)
}, 60_000)

afterEach(async () => {
  await client.close()
  vi.unstubAllGlobals()
})

test('a job, its page of runs and a query about it tell one story', async () => {
  const labels = { team: 'a' }
  const job = new JobStore<{ count: number; journal: boolean }, string[]>(client, 'steps', {
    scope: { labels },
  })
  job.triggerOptions = { labels }
  const page = new RunsStore(client, { labels, pageSize: 2 })
  const stops = [job.subscribe(() => undefined), page.subscribe(() => undefined)]
  await vi.waitFor(() => expect(job.getSnapshot().isResolving).toBe(false))

  const { runId } = await job.trigger({ count: 3, journal: true })
  const written = new QueryStore<{ step: string }[]>(client, 'journal', { run: runId }, { runId })
  stops.push(written.subscribe(() => undefined))
  await client.trigger('steps', { count: 1 })

  await vi.waitFor(
    () => {
      expect(job.getSnapshot()).toMatchObject({ isCompleted: true, runId })
      expect(page.getSnapshot().runs).toMatchObject([{ id: runId, status: 'completed' }])
      expect(written.getSnapshot().data?.map(({ step }) => step)).toEqual([
        'step-0',
        'step-1',
        'step-2',
      ])
    },
    { timeout: 20_000 },
  )
  // The run without the label is on no page of theirs.
  expect(page.getSnapshot()).toMatchObject({ hasMore: false, isLoading: false, error: null })
  await client.deleteRun(runId)
  await vi.waitFor(() => expect(page.getSnapshot().runs).toEqual([]))
  for (const stop of stops) stop()
})
