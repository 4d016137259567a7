import { describe, expect, test, vi } from 'vitest'
import { DurablyError } from '../../../../web/core/errors'
import { BOOT_STAGES } from '../../../../web/spa/bridge/protocol'
import {
  createWorkerTransport,
  type WorkerTransportOptions,
} from '../../../../web/spa/page/worker-transport'
import { FakeEngine } from '../../support/fake-engine'
import { type BootPlan, FakeWorker } from '../../support/fake-worker'

const CONFIG = { manifestUrl: 'http://localhost/manifest.json', store: 'test' }

function start(plan: BootPlan, options: WorkerTransportOptions = {}) {
  const engine = new FakeEngine()
  const worker = new FakeWorker(engine, plan)
  return { engine, worker, transport: createWorkerTransport(() => worker, CONFIG, options) }
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

describe('a boot', () => {
  test('is asked for first, and told stage by stage', async () => {
    const stages: string[] = []
    const { transport, worker } = start('at once', { onBoot: ({ stage }) => stages.push(stage) })

    expect(await transport.ready).toMatchObject({ pythonVersion: '3.14.2' })

    expect(worker.received).toMatchObject([{ kind: 'boot', config: CONFIG }])
    expect(stages).toEqual([...BOOT_STAGES])
  })

  test('answers calls that were made before it was done', async () => {
    const { transport, worker } = start('later')
    const call = transport.call('getRun', { runId: 'A' })

    worker.makeReady()

    expect(await call).toBeNull()
  })

  test('law 10: that fails rejects everything with its own code, and ends the worker', async () => {
    const reason = new DurablyError('opfs_locked', 'close the other tab')
    const { transport, worker } = start({ fails: reason })
    const ends: unknown[] = []
    const early = thrownBy(transport.call('jobs', {}))
    transport.subscribe(
      {},
      () => {},
      (error) => ends.push(error),
    )

    expect(await thrownBy(transport.ready)).toMatchObject({ code: 'opfs_locked' })

    expect(await early).toMatchObject({ code: 'opfs_locked', message: 'close the other tab' })
    expect(await thrownBy(transport.call('jobs', {}))).toMatchObject({ code: 'opfs_locked' })
    expect(ends).toMatchObject([{ code: 'opfs_locked' }])
    expect(worker.isTerminated).toBe(true)
  })
})

describe('a crash', () => {
  test('rejects pending and later calls, ends subscriptions, and says worker_crashed', async () => {
    const { transport, worker } = start('never')
    const ends: unknown[] = []
    const pending = [thrownBy(transport.call('jobs', {})), thrownBy(transport.putBlob(new Blob()))]
    transport.subscribe(
      { runId: 'A' },
      () => {},
      (error) => ends.push(error),
    )

    worker.crash('out of memory')

    for (const error of await Promise.all(pending)) {
      expect(error).toMatchObject({ code: 'worker_crashed' })
    }
    expect(ends).toMatchObject([{ code: 'worker_crashed' }])
    const late: unknown[] = []
    transport.subscribe(
      { runId: 'A' },
      () => {},
      (error) => late.push(error),
    )
    expect(late).toEqual([])
    await vi.waitFor(() => expect(late).toMatchObject([{ code: 'worker_crashed' }]))
    expect(await thrownBy(transport.call('jobs', {}))).toMatchObject({
      message: expect.stringContaining('out of memory'),
    })
  })

  test('of Python is one of the worker; a lesser fault is only told', async () => {
    const faults: string[] = []
    const { transport, worker } = start('at once', { onFault: ({ code }) => faults.push(code) })
    await transport.ready

    worker.say({ kind: 'fault', fatal: false, error: { code: 'internal', message: 'odd' } })
    await vi.waitFor(() => expect(faults).toEqual(['internal']))
    expect(await transport.call('getRun', { runId: 'A' })).toBeNull()

    worker.say({ kind: 'fault', fatal: true, error: { code: 'internal', message: 'dead' } })
    await vi.waitFor(() => expect(worker.isTerminated).toBe(true))
    expect(await thrownBy(transport.call('jobs', {}))).toMatchObject({ code: 'worker_crashed' })
  })
})

describe('an abort', () => {
  test('before the call sends nothing', async () => {
    const { transport, worker } = start('at once')
    await transport.ready

    expect(await thrownBy(transport.call('jobs', {}, AbortSignal.abort()))).toMatchObject({
      code: 'aborted',
    })

    expect(worker.received.map(({ kind }) => kind)).toEqual(['boot'])
  })

  test('makes a late answer unheard', async () => {
    const { transport, worker } = start('later')
    const controller = new AbortController()
    const call = thrownBy(transport.call('jobs', {}, controller.signal))

    controller.abort('no longer wanted')
    worker.makeReady()

    expect(await call).toMatchObject({ code: 'aborted', cause: 'no longer wanted' })
    await transport.close()
  })
})

describe('a close', () => {
  test('drains the worker and then ends it', async () => {
    const { transport, worker } = start('at once')
    await transport.ready

    await transport.close()

    expect(worker.received.at(-1)).toEqual({ kind: 'close' })
    expect(worker.isTerminated).toBe(true)
  })

  test('does not wait for ever for a worker that is busy', async () => {
    const { transport, worker } = start('never', { closeWithin: 10 })

    await transport.close()

    expect(worker.isTerminated).toBe(true)
    expect(await thrownBy(transport.ready)).toMatchObject({ code: 'closed' })
  })
})
