/** Any number of tabs, one engine: who owns it, what the others see, and what a change costs. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyError } from '../../../../web/core/errors'
import type { Subscription } from '../../../../web/core/events'
import type { Transport } from '../../../../web/core/transport'
import { pagesChannel } from '../../../../web/spa/bridge/channels'
import { electOwner } from '../../../../web/spa/page/ownership'
import type { FakeWorker } from '../../support/fake-worker'
import { settle } from '../../support/settle'
import { type FakeTab, rolesOf, Store } from '../../support/tabs'

const A = '01JD000000000000000000000A'
const B = '01JD000000000000000000000B'

let store: Store

beforeEach(() => {
  store = new Store()
})

afterEach(async () => {
  vi.useRealTimers()
  await store.close()
})

const trigger = ({ transport }: FakeTab, runId: string) =>
  transport.call('trigger', { jobName: 'import-csv', input: {}, runId })

function listen(transport: Transport, subscription: Subscription) {
  const heard: string[] = []
  const ends: (DurablyError | null)[] = []
  const stop = transport.subscribe(
    subscription,
    ({ type }) => heard.push(type),
    (error) => ends.push(error),
  )
  return { heard, ends, stop }
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

describe('tabs of one store', () => {
  test('law 4: one of them owns the engine, and only that one makes a worker', async () => {
    const tabs = [store.open(), store.open(), store.open()]
    await Promise.all(tabs.map(({ transport }) => transport.ready))

    expect(rolesOf(...tabs)).toEqual(['owner', 'follower', 'follower'])
    expect(tabs.map(({ workers }) => workers.length)).toEqual([1, 0, 0])
  })

  test('see the same run live, whoever triggered it', async () => {
    const { owner, follower } = await store.openTwo()
    await trigger(follower, A)
    const both = [owner, follower].map(({ transport }) => listen(transport, { runId: A }))
    for (const { heard } of both) await vi.waitFor(() => expect(heard).toEqual(['snapshot']))

    store.engine.lease(A)
    store.engine.complete(A)

    for (const { heard, ends } of both) {
      await vi.waitFor(() => expect(ends).toEqual([null]))
      expect(heard).toEqual(['snapshot', 'run:leased', 'run:complete'])
    }
  })

  test('follow the boot of the owner', async () => {
    store.plan = 'later'
    const owner = store.open()
    const stages: string[] = []
    const follower = store.open({ onBoot: ({ stage }) => stages.push(stage) })
    await vi.waitFor(() => expect(stages).toEqual(['manifest']))
    expect(rolesOf(owner, follower)).toEqual(['owner', 'handing-over'])

    owner.workers[0]?.makeReady()
    await follower.transport.ready

    expect(stages).toContain('python')
    expect(follower.transport.connection.getSnapshot().boot).toBeNull()
  })

  test('leave nothing behind in the engine when they close', async () => {
    const { follower } = await store.openTwo()
    listen(follower.transport, { jobName: 'import-csv' })
    await vi.waitFor(() => expect(store.engine.subscriptions).toHaveLength(1))

    await follower.transport.close()

    await vi.waitFor(() => expect(store.engine.subscriptions).toHaveLength(0))
  })
})

describe('when the owner goes', () => {
  test.each(['pagehide', 'freeze'] as const)('by %s, the next tab takes over', async (event) => {
    const { owner, follower } = await store.openTwo()

    owner.happen(event)

    await vi.waitFor(() => expect(rolesOf(owner, follower)).toEqual(['handing-over', 'owner']))
    expect(owner.workers[0]?.isTerminated).toBe(true)
    expect(await follower.transport.call('getRuns', {})).toEqual([])
  })

  test('by closing, it drains its worker first', async () => {
    const { owner, follower } = await store.openTwo()

    await owner.transport.close()

    expect(owner.workers[0]?.received.at(-1)).toEqual({ kind: 'close' })
    await vi.waitFor(() => expect(rolesOf(follower)).toEqual(['owner']))
  })

  test('and comes back, it joins again and its subscriptions go on with a snapshot', async () => {
    const { owner, follower } = await store.openTwo()
    await trigger(owner, A)
    const { heard } = listen(owner.transport, { runId: A })
    await vi.waitFor(() => expect(heard).toEqual(['snapshot']))
    owner.happen('pagehide')
    await vi.waitFor(() => expect(rolesOf(follower)).toEqual(['owner']))

    owner.happen('pageshow')

    await vi.waitFor(() => expect(rolesOf(owner, follower)).toEqual(['follower', 'owner']))
    store.engine.lease(A)
    await vi.waitFor(() => expect(heard).toEqual(['snapshot', 'snapshot', 'run:leased']))
  })

  test('law 8: calls under way are repeated, once and marked, and are one run', async () => {
    const { owner, follower } = await store.openTwo()
    const [worker] = owner.workers
    if (worker) worker.isBusy = true
    const answer = trigger(follower, A)
    await vi.waitFor(() => expect(worker?.asked).toHaveLength(1))
    expect(worker?.asked[0]).not.toHaveProperty('repeated')

    owner.happen('pagehide')

    expect(await answer).toMatchObject({ runId: A })
    const repeated = follower.workers[0]?.received.filter(({ kind }) => kind === 'call')
    expect(repeated).toMatchObject([{ op: 'trigger', repeated: true }])
    expect(await follower.transport.call('getRuns', {})).toHaveLength(1)
  })

  test('what is asked between two engines waits for the next, in its order', async () => {
    const { owner, follower } = await store.openTwo()
    store.plan = 'later'
    owner.happen('pagehide')
    await vi.waitFor(() => expect(follower.workers).toHaveLength(1))
    const answer = trigger(follower, B)
    const { heard } = listen(follower.transport, { runId: B })

    follower.workers[0]?.makeReady()

    expect(await answer).toMatchObject({ runId: B })
    await vi.waitFor(() => expect(heard).toEqual(['snapshot']))
    expect(follower.workers[0]?.received[1]).not.toHaveProperty('repeated')
  })

  test('a follower that stays goes on with the new owner', async () => {
    const { owner, follower } = await store.openTwo()
    const third = store.open()
    await third.transport.ready
    await trigger(third, A)
    const { heard } = listen(third.transport, { runId: A })
    await vi.waitFor(() => expect(heard).toEqual(['snapshot']))

    await owner.transport.close()

    await vi.waitFor(() => expect(rolesOf(follower, third)).toEqual(['owner', 'follower']))
    await vi.waitFor(() => expect(heard).toEqual(['snapshot', 'snapshot']))
    store.engine.lease(A)
    await vi.waitFor(() => expect(heard.at(-1)).toBe('run:leased'))
  })
})

describe('when a worker dies', () => {
  test('the owner boots another, and every tab goes on', async () => {
    const { owner, follower } = await store.openTwo()
    await trigger(owner, A)
    const both = [owner, follower].map(({ transport }) => listen(transport, { runId: A }))
    for (const { heard } of both) await vi.waitFor(() => expect(heard).toEqual(['snapshot']))

    owner.workers[0]?.crash('out of memory')

    expect(owner.transport.connection.getSnapshot()).toMatchObject({
      role: 'owner',
      boot: { stage: 'manifest' },
      problem: { code: 'worker_crashed', message: expect.stringContaining('out of memory') },
    })
    for (const { heard } of both) {
      await vi.waitFor(() => expect(heard).toEqual(['snapshot', 'snapshot']))
    }
    expect(owner.workers).toHaveLength(2)
    expect(owner.transport.connection.getSnapshot().problem).toBeNull()
  })

  test('also by a fatal fault, as of a file that was lost', async () => {
    const faults: string[] = []
    const owner = store.open({ onFault: ({ code }) => faults.push(code) })
    await owner.transport.ready

    const error = { code: 'storage_io', message: 'the file was taken away' } as const
    owner.workers[0]?.say({ kind: 'fault', fatal: true, error })

    await vi.waitFor(() => expect(owner.workers).toHaveLength(2))
    expect(faults).toEqual(['storage_io'])
    expect(await owner.transport.call('getRuns', {})).toEqual([])
  })

  test('again and again, the tab says so and lets go', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    store.plan = 'never'
    const owner = store.open()
    const call = thrownBy(owner.transport.call('getRuns', {}))
    for (let boot = 1; boot <= 8; boot++) {
      await vi.advanceTimersByTimeAsync(5_000)
      expect(owner.workers).toHaveLength(boot)
      owner.workers.at(-1)?.crash('no memory')
    }

    expect(await call).toMatchObject({
      code: 'worker_crashed',
      message: expect.stringContaining('8 workers in a row'),
    })
    expect(await thrownBy(owner.transport.ready)).toMatchObject({ code: 'worker_crashed' })
    vi.useRealTimers()
    store.plan = 'at once'
    const next = store.open()
    await next.transport.ready
    expect(rolesOf(next)).toEqual(['owner'])
  })

  test('a close in the pause before the next boot waits for nothing', async () => {
    const { owner, follower } = await store.openTwo()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    owner.workers[0]?.crash('out of memory')

    await owner.transport.close()

    await follower.transport.call('getRuns', {})
    expect(rolesOf(follower)).toEqual(['owner'])
    expect(owner.workers).toHaveLength(1)
  })

  test('the other tabs are told why', async () => {
    const { owner, follower } = await store.openTwo()
    store.plan = 'later'

    owner.workers[0]?.crash('out of memory')

    await vi.waitFor(() =>
      expect(follower.transport.connection.getSnapshot()).toMatchObject({
        role: 'handing-over',
        problem: { code: 'worker_crashed', message: expect.stringContaining('out of memory') },
      }),
    )
  })

  test('of a call, again and again, the call is refused and the others go on', async () => {
    const owner = store.open()
    await owner.transport.ready
    store.plan = 'later'
    const killer = thrownBy(owner.transport.call('query', { name: 'killer', input: null }))
    owner.workers[0]?.crash('killed')
    for (let death = 2; death <= 5; death++) {
      const worker = await newest(owner, death)
      worker.isBusy = true
      worker.makeReady()
      await vi.waitFor(() => expect(worker.received.at(-1)).toMatchObject({ op: 'query' }))
      worker.crash('killed')
    }
    const last = await newest(owner, 6)
    last.makeReady()

    expect(await killer).toMatchObject({
      code: 'worker_crashed',
      message: expect.stringContaining('query'),
    })
    expect(await owner.transport.call('getRuns', {})).toEqual([])
  })
})

/** The worker that a tab made as its *count*th. */
async function newest({ workers }: FakeTab, count: number): Promise<FakeWorker> {
  await vi.waitFor(() => expect(workers).toHaveLength(count), { timeout: 3_000 })
  const worker = workers.at(-1)
  if (!worker) throw new Error('no worker was made')
  return worker
}

describe('law 10: a boot that a user must act on', () => {
  test('is not tried again, is told with its code, and the next tab may try', async () => {
    store.plan = { fails: new DurablyError('quota_exceeded', 'free some space') }
    const first = store.open()
    const call = thrownBy(first.transport.call('getRuns', {}))

    expect(await thrownBy(first.transport.ready)).toMatchObject({ code: 'quota_exceeded' })

    expect(await call).toMatchObject({ code: 'quota_exceeded' })
    expect(first.workers).toHaveLength(1)
    expect(first.workers[0]?.isTerminated).toBe(true)
    expect(first.transport.connection.getSnapshot().problem).toMatchObject({
      code: 'quota_exceeded',
    })
    store.plan = 'at once'
    const second = store.open()
    await second.transport.ready
  })

  test('a browser that refuses its locks is told so', async () => {
    const request = () => Promise.reject(new DOMException('in a frame', 'SecurityError'))
    vi.stubGlobal('navigator', { locks: { request } })
    const tab = store.open()

    expect(await thrownBy(tab.transport.ready)).toMatchObject({
      code: 'opfs_unavailable',
      message: expect.stringContaining('in a frame'),
    })
    expect(tab.workers).toEqual([])
  })

  test('a browser that makes no worker is told so', async () => {
    const tab = store.open({
      worker: () => {
        throw new DOMException('refused by policy', 'SecurityError')
      },
    })

    expect(await thrownBy(tab.transport.ready)).toMatchObject({
      code: 'boot_failed',
      message: expect.stringContaining('refused by policy'),
    })
  })
})

describe('law 10: an owner that does not answer', () => {
  const problem = ({ transport }: FakeTab) => transport.connection.getSnapshot().problem

  /** A page that owns the store and sleeps. */
  const sleeper = () => electOwner(store.name, new AbortController().signal)

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })

  test('is told with what to do, and forgotten when it answers', async () => {
    await sleeper()
    const tab = store.open()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(tab.transport.connection.getSnapshot()).toMatchObject({
      role: 'handing-over',
      problem: { code: 'owner_silent', message: expect.stringContaining('close it') },
    })

    const page = new BroadcastChannel(pagesChannel(store.name))
    page.postMessage({ kind: 'booting', stage: 'python', elapsed: 5 })

    await vi.waitFor(() => expect(problem(tab)).toBeNull())
    expect(tab.transport.connection.getSnapshot().boot).toMatchObject({ stage: 'python' })
    page.close()
  })

  test('is succeeded when it is closed', async () => {
    const close = await sleeper()
    const tab = store.open()
    await vi.advanceTimersByTimeAsync(5_000)

    close()
    await tab.transport.ready

    expect(rolesOf(tab)).toEqual(['owner'])
    expect(problem(tab)).toBeNull()
  })

  test('is told apart from one whose engine is busy', async () => {
    const { owner, follower } = await store.openTwo()
    const [worker] = owner.workers
    if (worker) worker.isBusy = true
    const call = thrownBy(follower.transport.call('getRuns', {}))

    for (let second = 0; second < 20; second++) {
      await vi.advanceTimersByTimeAsync(1_000)
      await settle()
    }

    expect(rolesOf(follower)).toEqual(['follower'])
    expect(problem(follower)).toBeNull()
    await follower.transport.close()
    expect(await call).toMatchObject({ code: 'closed' })
  })
})
