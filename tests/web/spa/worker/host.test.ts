/** The whole worker in one process: host, file system and engine, on a disk that can lose power. */

import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../../web/core/client'
import {
  createWorkerTransport,
  type WorkerTransport,
} from '../../../../web/spa/page/worker-transport'
import { MemoryOpfs } from '../../support/memory-opfs'
import { buildManifest, NodeWorker, stubWorkerGlobals } from '../../support/node-worker'

interface Running {
  readonly worker: NodeWorker
  readonly transport: WorkerTransport
  readonly client: DurablyClient
}

describe('the host', () => {
  let manifestUrl: string
  let opfs: MemoryOpfs
  let running: Running | null

  beforeAll(() => {
    manifestUrl = buildManifest()
  })

  beforeEach(() => {
    opfs = new MemoryOpfs()
    running = null
  })

  afterEach(async () => {
    await running?.client.close()
    vi.unstubAllGlobals()
  })

  async function start(onBoot: (stage: string) => void = () => {}): Promise<Running> {
    stubWorkerGlobals(opfs)
    const worker = await NodeWorker.start()
    const transport = createWorkerTransport(
      NodeWorker.makes(worker),
      { manifestUrl, store: 'test' },
      { onBoot: ({ stage }) => onBoot(stage) },
    )
    running = { worker, transport, client: new DurablyClient(transport) }
    return running
  }

  /** The worker is gone at once, and with it all that was not flushed. */
  async function losePower(): Promise<Running> {
    running?.worker.terminate()
    const next = opfs.crash()
    opfs.onChange = () => {
      throw new DOMException('this worker is dead', 'InvalidStateError')
    }
    opfs = next
    return start()
  }

  test('boots in stages, gives a job the blob it was told of, and gives all back', async () => {
    const stages: string[] = []
    const { client, transport } = await start((stage) => stages.push(stage))
    const file = new File(['name,age\nZoë,7\n"Smith, J",81\n'], 'people.csv', { type: 'text/csv' })

    const { output } = await client.triggerAndWait('import-csv', { file })
    await client.close()

    expect(stages).toEqual(['manifest', 'storage', 'python', 'packages', 'database', 'ready'])
    expect(await transport.ready).toMatchObject({ pythonVersion: expect.stringMatching(/^3\./) })
    expect(output).toMatchObject({ imported: 2 })
    expect([...opfs.tree().keys()]).toContain('test/durably.sqlite3')
    expect(opfs.open).toBe(0)
  }, 60_000)

  test('an exit in a job ends its run, with its name, and nothing beside it', async () => {
    const { client } = await start()
    const beside = await client.trigger('steps', { count: 500 })
    const ways = ['step', 'async step', 'timed step', 'parallel step', 'task', 'job']
    for (const where of ways) {
      const { runId } = await client.trigger('leave', { where })
      await vi.waitFor(async () => expect((await client.getRun(runId))?.isTerminal).toBe(true), {
        timeout: 20_000,
      })
      const run = await client.getRun(runId)
      expect(run, where).toMatchObject({ status: 'failed', errorType: 'SystemExit' })
      expect(run?.error, where).toContain('SystemExit: left')
    }
    expect((await client.waitForRun(beside.runId)).output).toHaveLength(500)
    expect((await client.health()).state).toBe('ok')
  }, 120_000)

  test('law 1: a step that was saved before a loss of power never runs again', async () => {
    const first = await start()
    const { runId } = await first.client.trigger('steps', { count: 2_000, journal: true })
    const saved = await vi.waitFor(
      async () => {
        const steps = await first.client.getSteps(runId)
        expect(steps.length).toBeGreaterThan(20)
        return new Map(steps.map(({ name, output }) => [name, output]))
      },
      { timeout: 20_000 },
    )

    const second = await losePower()
    const { output } = await second.client.waitForRun(runId)

    const tokens = new Map(Object.entries(Object(output)).map(([n, token]) => [`step-${n}`, token]))
    expect(saved.size).toBeLessThan(2_000)
    expect(tokens.size).toBe(2_000)
    expect([...tokens]).toEqual(expect.arrayContaining([...saved]))
    const journal = await second.client.query('journal', { run: runId })
    // The step that was under way may have run and not been saved.
    expect(Object.keys(Object(journal)).length).toBeLessThanOrEqual(2_001)
  }, 90_000)
})
