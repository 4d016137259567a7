/** The store as a whole: its space, its files, its export, and another in its place. */

import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../../web/core/client'
import type { RunEvent, RunsSnapshot } from '../../../../web/core/events'
import type { BlobRef } from '../../../../web/core/types'
import { createWorkerTransport } from '../../../../web/spa/page/worker-transport'
import { MemoryOpfs } from '../../support/memory-opfs'
import { buildManifest, NodeWorker, stubWorkerGlobals } from '../../support/node-worker'

/** So many that a run is still under way when it has been looked at, however fast the machine. */
const MANY = 2_000

describe('the files of a store', () => {
  let manifestUrl: string
  let opfs: MemoryOpfs
  const open: DurablyClient[] = []

  beforeAll(() => {
    manifestUrl = buildManifest()
  })

  beforeEach(() => {
    opfs = new MemoryOpfs()
  })

  afterEach(async () => {
    for (const client of open.splice(0)) await client.close()
    vi.unstubAllGlobals()
  })

  async function start(): Promise<DurablyClient> {
    stubWorkerGlobals(opfs)
    const worker = await NodeWorker.start()
    const transport = createWorkerTransport(() => worker, {
      manifestUrl,
      store: 'test',
      snapshot: false,
    })
    await transport.ready
    const client = new DurablyClient(transport)
    open.push(client)
    return client
  }

  async function end(client: DurablyClient): Promise<void> {
    open.splice(open.indexOf(client), 1)
    await client.close()
  }

  const blobs = () => [...opfs.tree().keys()].filter((path) => /blobs\/[0-9a-f]{64}$/.test(path))

  async function makeFile(client: DurablyClient, bytes: Uint8Array, times = 1) {
    const { output, runId } = await client.triggerAndWait<string, object, BlobRef>('upper', {
      file: bytes,
      times,
    })
    return { ref: output, runId }
  }

  test('health tells of the space, and the first trigger asks the browser to keep it', async () => {
    const client = await start()
    opfs.quota = 50_000_000
    expect((await client.health()).storage).toMatchObject({ quota: 50_000_000, persisted: false })

    await client.trigger('steps', { count: 1 })

    const { state, storage } = await client.health()
    expect(state).toBe('ok')
    expect(storage?.persisted).toBe(true)
    expect(storage?.usage).toBeGreaterThan(10_000)
  }, 180_000)

  test('bytes go in, a large file comes out, and both go with their run', async () => {
    const client = await start()
    const { ref, runId } = await makeFile(client, new TextEncoder().encode('zoë\n'), 100_000)

    const file = await client.readBlob(ref)

    expect(ref).toMatchObject({ name: 'upper-blob', mediaType: 'text/plain', size: 500_000 })
    expect(file.type).toBe('text/plain')
    expect(await file.text()).toBe('ZOË\n'.repeat(100_000))
    expect(blobs()).toHaveLength(2)
    await client.deleteRun(runId)
    await vi.waitFor(() => expect(blobs()).toEqual([]))
    await expect(client.readBlob(ref)).rejects.toMatchObject({ code: 'not_found' })
  }, 180_000)

  test('an export is imported elsewhere: runs, files, and whoever follows them', async () => {
    const first = await start()
    const { ref } = await makeFile(first, new TextEncoder().encode('moved'))
    const { runId } = await first.trigger('steps', { count: MANY })
    await vi.waitFor(async () => expect((await first.getSteps(runId)).length).toBeGreaterThan(5))
    const exported = await first.exportStore()
    await first.waitForRun(runId)
    const runs = await first.getRuns()
    await end(first)
    opfs = new MemoryOpfs()
    const second = await start()
    await second.triggerAndWait('steps', { count: 1 })
    const told: (RunsSnapshot | RunEvent)[] = []
    second.subscribe({}, (message) => told.push(message))
    await vi.waitFor(() => expect(told).toHaveLength(1))

    await second.importStore(exported)

    expect((await second.waitForRun(runId)).output).toHaveLength(MANY)
    expect((await second.getRuns()).map(({ id }) => id)).toEqual(runs.map(({ id }) => id))
    expect(await (await second.readBlob(ref)).text()).toBe('MOVED')
    await vi.waitFor(() => {
      expect(told.filter(({ type }) => type === 'snapshot')).toHaveLength(2)
      expect(told).toContainEqual(expect.objectContaining({ type: 'run:complete', runId }))
    })
    await end(second)
    const third = await start()
    expect((await third.getRuns()).map(({ id }) => id)).toEqual(runs.map(({ id }) => id))
  }, 180_000)

  test('law 10: what is no store is refused, and nothing changes', async () => {
    const client = await start()
    const { runId } = await client.triggerAndWait('steps', { count: 1 })
    const exported = await client.exportStore()

    for (const file of [
      new Blob([]),
      new Blob(['SQLite format 3\0 and nothing else']),
      exported.slice(0, exported.size / 2),
    ]) {
      await expect(client.importStore(file)).rejects.toMatchObject({ code: 'import_refused' })
    }

    expect(await client.getRun(runId)).toMatchObject({ status: 'completed' })
    await client.triggerAndWait('steps', { count: 1 })
  }, 180_000)

  test('law 9: an import for which there is no room leaves the store as it was', async () => {
    const first = await start()
    const labels = { long: 'x'.repeat(1_000_000) }
    await first.triggerAndWait('steps', { count: 1 }, { labels })
    const exported = await first.exportStore()
    await end(first)
    const second = await start()
    const { runId } = await second.triggerAndWait('steps', { count: 1 })

    opfs.quota = opfs.used
    await expect(second.importStore(exported)).rejects.toMatchObject({ code: 'storage_full' })
    expect(await second.getRuns()).toHaveLength(2)
    opfs.quota = Number.POSITIVE_INFINITY
    await second.importStore(exported)

    expect(await second.getRuns()).toHaveLength(1)
    expect(await second.getRun(runId)).toBeNull()
  }, 180_000)

  test('a reset leaves nothing, and the next run is made', async () => {
    const client = await start()
    await makeFile(client, new TextEncoder().encode('gone'))
    await client.triggerAndWait('steps', { count: 3, journal: true })
    const { runId } = await client.trigger('steps', { count: 100_000 })

    await client.resetStore()

    expect(await client.getRuns()).toEqual([])
    expect(await client.getRun(runId)).toBeNull()
    await vi.waitFor(() => {
      expect(blobs()).toEqual([])
      expect(opfs.tree().has('test/imports.sqlite3')).toBe(false)
    })
    await client.triggerAndWait('steps', { count: 3, journal: true })
  }, 180_000)

  test('law 9: a lost file ends the worker, and the next one goes on', async () => {
    const first = await start()
    const { runId } = await first.trigger('steps', { count: MANY })
    await vi.waitFor(async () => expect((await first.getSteps(runId)).length).toBeGreaterThan(5))

    opfs.onChange = (what) => {
      if (what.includes('-wal')) throw new DOMException('the handle is lost', 'InvalidStateError')
    }
    await expect(first.waitForRun(runId)).rejects.toMatchObject({ code: 'worker_crashed' })
    opfs = opfs.crash()
    const second = await start()

    expect((await second.waitForRun(runId)).output).toHaveLength(MANY)
  }, 180_000)

  test('laws 9, 10: a full disk is in view, an export works on it, and it goes on with room', async () => {
    const client = await start()
    await client.triggerAndWait('steps', { count: 1 })
    const { runId } = await client.trigger('steps', { count: MANY })
    opfs.quota = opfs.used

    await vi.waitFor(
      async () =>
        expect(await client.health()).toMatchObject({
          state: 'degraded',
          fault: { code: 'storage_full' },
        }),
      { timeout: 10_000 },
    )
    const exported = await client.exportStore()
    expect(exported.size).toBeGreaterThan(10_000)
    opfs.quota = Number.POSITIVE_INFINITY

    expect((await client.waitForRun(runId)).output).toHaveLength(MANY)
    expect(await client.health()).toMatchObject({ state: 'ok', fault: null })
  }, 180_000)
})
