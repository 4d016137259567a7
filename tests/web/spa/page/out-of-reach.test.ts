/** Tabs whose files cannot be fetched just now: no tab ends by that, and each says so. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyError } from '../../../../web/core/errors'
import { type FakeTab, rolesOf, Store } from '../../support/tabs'
import { until } from '../../support/until'

/** What a boot says whose files cannot be fetched. */
const OUT_OF_REACH = {
  fails: new DurablyError('boot_failed', 'manifest.json could not be loaded'),
  isPassing: true,
} as const

let store: Store

beforeEach(() => {
  store = new Store()
})

afterEach(async () => {
  vi.useRealTimers()
  await store.close()
})

const connectionOf = ({ transport }: FakeTab) => transport.connection.getSnapshot()

const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (result) => result,
    (error: unknown) => error,
  )

describe('a tab that takes over while a file is out of reach', () => {
  test('does not end, nor does any other: what was asked is answered when it is back', async () => {
    const { owner, follower } = await store.openTwo()
    const third = store.open()
    await third.transport.ready
    const ends: unknown[] = []
    third.transport.subscribe(
      {},
      () => {},
      (error) => ends.push(error),
    )

    store.plan = OUT_OF_REACH
    await owner.transport.close()
    const calls = [follower, third].map(({ transport }) => outcomeOf(transport.call('getRuns', {})))
    const problem = { code: 'boot_failed', message: 'manifest.json could not be loaded' }
    await vi.waitFor(() => {
      expect(connectionOf(follower)).toMatchObject({ role: 'owner', problem })
      expect(connectionOf(third)).toMatchObject({ role: 'handing-over', problem })
    })
    await vi.waitFor(() => expect(follower.workers.length).toBeGreaterThan(2))
    store.plan = 'at once'

    expect(await Promise.all(calls)).toEqual([[], []])
    expect(ends).toEqual([])
    await vi.waitFor(() => expect(rolesOf(follower, third)).toEqual(['owner', 'follower']))
    expect([follower, third].map((tab) => connectionOf(tab).problem)).toEqual([null, null])
  })

  test('goes on trying however long that takes, and at once when the network is back', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const tab = store.open()
    await tab.transport.ready
    store.plan = OUT_OF_REACH
    tab.happen('freeze')
    tab.happen('resume')
    const call = outcomeOf(tab.transport.call('getRuns', {}))
    for (let count = 2; count <= 14; count++) {
      await until(() => tab.workers.length === count && tab.workers.at(-1)?.isTerminated === true)
      if (count < 14) await vi.advanceTimersByTimeAsync(60_000)
    }
    expect(connectionOf(tab).problem).toMatchObject({ code: 'boot_failed' })
    store.plan = 'at once'

    tab.happen('online')

    expect(await call).toEqual([])
    expect(tab.workers).toHaveLength(15)
  })

  test('tries at once when it is looked at, and makes no second worker beside one that boots', async () => {
    const tab = store.open()
    await tab.transport.ready
    store.plan = OUT_OF_REACH
    tab.happen('freeze')
    tab.happen('resume')
    await vi.waitFor(() => expect(connectionOf(tab).problem).not.toBeNull())
    const tried = tab.workers.length
    store.plan = 'later'

    tab.happen('visibilitychange')
    tab.happen('online')

    expect(tab.workers).toHaveLength(tried + 1)
    tab.workers.at(-1)?.makeReady()
    await vi.waitFor(() => expect(connectionOf(tab).problem).toBeNull())
  })

  test('also when it is the script of the worker', async () => {
    store.plan = 'never'
    const tab = store.open()
    await vi.waitFor(() => expect(tab.workers).toHaveLength(1))

    tab.workers[0]?.crash()

    expect(connectionOf(tab)).toMatchObject({
      role: 'owner',
      problem: { code: 'boot_failed', message: expect.stringContaining('script') },
    })
    store.plan = 'at once'
    await tab.transport.ready
  })
})

describe('the first boot of a tab', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    store.plan = OUT_OF_REACH
  })

  /** Let the pause after try *count* pass. */
  async function pass(tab: FakeTab, count: number): Promise<void> {
    await until(() => tab.workers.length === count && tab.workers.at(-1)?.isTerminated === true)
    await vi.advanceTimersByTimeAsync(60_000)
  }

  test('says at once what is wrong, and mends itself', async () => {
    const tab = store.open()
    await until(() => connectionOf(tab).problem !== null)
    expect(tab.shown.at(-1)).toMatchObject({ role: 'owner', problem: { code: 'boot_failed' } })

    store.plan = 'at once'
    await pass(tab, 1)

    await tab.transport.ready
    expect(connectionOf(tab).problem).toBeNull()
  })

  test('law 10: rejects after eight tries, and the next tab may try', async () => {
    const tab = store.open()
    const ready = outcomeOf(tab.transport.ready)

    for (let count = 1; count < 8; count++) await pass(tab, count)

    expect(await ready).toMatchObject({ code: 'boot_failed' })
    expect(tab.workers).toHaveLength(8)
    store.plan = 'at once'
    const next = store.open()
    await next.transport.ready
    expect(rolesOf(next)).toEqual(['owner'])
  })

  test('waits for the network as long as the browser knows that there is none', async () => {
    vi.stubGlobal('navigator', { locks: navigator.locks, onLine: false })
    const tab = store.open()
    for (let count = 1; count < 12; count++) await pass(tab, count)
    store.plan = 'at once'
    vi.stubGlobal('navigator', { locks: navigator.locks, onLine: true })

    tab.happen('online')

    // The try that was under way still fails, and must not be the one too many.
    await pass(tab, 12)
    await tab.transport.ready
  })
})

describe('what the next engine is to know of the last one', () => {
  const notes = new Map<string, string>()
  const departures = () => [...notes.keys()].filter((key) => key.startsWith('durably:left:')).length

  beforeEach(() => {
    notes.clear()
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => notes.get(key) ?? null,
      setItem: (key: string, value: string) => void notes.set(key, value),
      removeItem: (key: string) => void notes.delete(key),
    })
  })

  test('law 6: that it was left is told to the boot that gets through', async () => {
    const first = store.open()
    await first.transport.ready
    first.happen('pagehide')
    expect(departures()).toBe(1)

    store.plan = OUT_OF_REACH
    const second = store.open()
    await vi.waitFor(() => expect(second.workers.length).toBeGreaterThan(1))
    store.plan = 'at once'
    await second.transport.ready

    for (const { received } of second.workers) {
      expect(received[0]).toMatchObject({ kind: 'boot', config: { ownerLeft: true } })
    }
    expect(departures()).toBe(0)
  })

  test('law 6: that it was left is noted again by a tab that had no engine to tell', async () => {
    const first = store.open()
    await first.transport.ready
    first.happen('pagehide')
    store.plan = OUT_OF_REACH
    const second = store.open()
    await vi.waitFor(() => expect(connectionOf(second).problem).not.toBeNull())

    second.happen('pagehide')

    expect(departures()).toBe(1)
  })

  test('law 6: a page that is left after its worker died does not say that it was left', async () => {
    const tab = store.open()
    await tab.transport.ready
    tab.workers[0]?.crash('out of memory')

    tab.happen('pagehide')

    expect(departures()).toBe(0)
  })
})
