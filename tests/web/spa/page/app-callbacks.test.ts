/** What an app gave and throws: it is reported, and nothing of the store stops. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createWorkerTransport } from '../../../../web/spa/page/worker-transport'
import { FakeEngine } from '../../support/fake-engine'
import { FakeWorker } from '../../support/fake-worker'
import { rolesOf, Store } from '../../support/tabs'
import { collectUncaught } from '../../support/uncaught'

const broken = () => {
  throw new Error('a bug of the app')
}

let store: Store
/** What reached the page's `error` event. */
let reported: readonly unknown[]

beforeEach(() => {
  store = new Store()
  reported = collectUncaught()
})

afterEach(async () => {
  await store.close()
  vi.restoreAllMocks()
})

const BUG = expect.objectContaining({ message: 'a bug of the app' })

test.each(['onConnection', 'onBoot', 'onReady'])(
  '%s: the engine starts, and a second tab follows it',
  async (callback) => {
    const tab = store.open({ [callback]: broken })
    await tab.transport.ready
    const second = store.open({ [callback]: broken })
    await second.transport.ready

    expect(rolesOf(tab, second)).toEqual(['owner', 'follower'])
    expect(await second.transport.call('getRuns', {})).toEqual([])
    expect(reported).toContainEqual(BUG)
  },
)

test('who watches the connection: the engine starts', async () => {
  const tab = store.open()
  tab.transport.connection.subscribe(broken)
  await tab.transport.ready

  expect(rolesOf(tab)).toEqual(['owner'])
  expect(reported).toContainEqual(BUG)
})

test('onSnapshot and onFault: what the worker says next is heard', async () => {
  const tab = store.open({ onSnapshot: broken, onFault: broken })
  await tab.transport.ready
  const error = { code: 'storage_io', message: 'the file was taken away' } as const

  tab.workers[0]?.say({ kind: 'snapshot', notice: { state: 'refused', error } })
  tab.workers[0]?.say({ kind: 'fault', fatal: true, error })

  await vi.waitFor(() => expect(tab.workers).toHaveLength(2))
  expect(reported).toEqual([BUG, BUG])
})

test('the end of a subscription: the others end, and close gives the engine free', async () => {
  const tab = store.open()
  await tab.transport.ready
  const ends: unknown[] = []
  tab.transport.subscribe({}, () => {}, broken)
  tab.transport.subscribe(
    {},
    () => {},
    (error) => ends.push(error),
  )

  await tab.transport.close()

  expect(ends).toMatchObject([{ code: 'closed' }])
  expect(tab.workers[0]?.isTerminated).toBe(true)
  const next = store.open()
  await next.transport.ready
  expect(rolesOf(next)).toEqual(['owner'])
  expect(reported).toEqual([BUG])
})

test('a transport over one worker: it starts, and it closes', async () => {
  const worker = new FakeWorker(new FakeEngine())
  const config = { manifestUrl: 'http://localhost/manifest.json', store: 'test' }
  const transport = createWorkerTransport(() => worker, config, { onBoot: broken })
  await transport.ready
  transport.subscribe({}, broken, broken)
  await vi.waitFor(() => expect(reported.length).toBeGreaterThan(6))

  await transport.close()

  expect(worker.isTerminated).toBe(true)
})
