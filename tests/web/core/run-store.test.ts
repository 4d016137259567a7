import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../web/core/client'
import { DurablyError } from '../../../web/core/errors'
import { initialRun } from '../../../web/core/reduce-run'
import { FakeEngine } from '../support/fake-engine'
import { runOf } from '../support/runs'
import { settle } from '../support/settle'

let engine: FakeEngine
let client: DurablyClient

beforeEach(async () => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  await client.trigger('import-csv', {}, { runId: 'A' })
})

test('a store follows its run from the snapshot to the end', async () => {
  const store = client.runStore('A')
  const statuses: unknown[] = []
  store.subscribe(() => statuses.push(store.getSnapshot().status))

  await settle()
  engine.lease('A')
  engine.complete('A', { rows: 2 })
  await settle()

  expect(statuses).toEqual(['pending', 'leased', 'completed'])
  expect(store.getSnapshot().output).toEqual({ rows: 2 })
})

test('the state is the same object until something changes', async () => {
  const store = client.runStore('A')
  const listener = vi.fn()
  store.subscribe(listener)
  await settle()
  const state = store.getSnapshot()

  engine.step('A', 'read')
  engine.renew('A')
  await settle()

  expect(store.getSnapshot()).toBe(state)
  expect(listener).toHaveBeenCalledTimes(1)
})

describe('sharing', () => {
  test('everyone who asks for a run gets one store, and it subscribes once', async () => {
    const first = client.runStore('A')
    const second = client.runStore('A')
    first.subscribe(() => undefined)
    second.subscribe(() => undefined)

    expect(second).toBe(first)
    expect(engine.subscriptions).toMatchObject([{ runId: 'A' }])
  })

  test('the last listener to leave ends the subscription', () => {
    const store = client.runStore('A')
    const leave = [store.subscribe(() => undefined), store.subscribe(() => undefined)]

    leave[0]?.()
    expect(engine.subscriptions).toHaveLength(1)
    leave[1]?.()
    expect(engine.subscriptions).toHaveLength(0)
  })

  test('whoever comes back sees what was known, then what is true', async () => {
    const store = client.runStore('A')
    const leave = store.subscribe(() => undefined)
    await settle()
    leave()
    engine.lease('A')
    expect(store.getSnapshot().status).toBe('pending')

    store.subscribe(() => undefined)
    await settle()

    expect(store.getSnapshot().status).toBe('leased')
  })
})

describe('the end of a subscription', () => {
  test('with an error keeps the state and shows the error', async () => {
    const store = client.runStore('A')
    store.subscribe(() => undefined)
    engine.lease('A')
    engine.progress('A', { current: 1 })
    await settle()
    engine.crash()
    await settle()

    expect(store.getSnapshot()).toMatchObject({ status: 'leased', progress: { current: 1 } })
    expect(store.getSnapshot().subscriptionError).toMatchObject({ code: 'worker_crashed' })
  })

  test('of an unknown run shows not_found', async () => {
    const store = client.runStore('missing')
    store.subscribe(() => undefined)
    await settle()

    expect(store.getSnapshot().subscriptionError).toBeInstanceOf(DurablyError)
    expect(store.getSnapshot()).toMatchObject({
      status: null,
      subscriptionError: { code: 'not_found' },
    })
  })

  test('of a run that was known and is not found shows that it is gone', async () => {
    const store = client.runStore('A')
    store.subscribe(() => undefined)
    engine.lease('A')
    engine.log('A', 'begun')
    await settle()
    engine.replaceWith()
    await settle()

    expect(store.getSnapshot()).toEqual({ ...initialRun('A'), isDeleted: true })
  })

  test('of an ended run is no error', async () => {
    const store = client.runStore('A')
    store.subscribe(() => undefined)
    engine.lease('A')
    engine.complete('A')
    await settle()

    expect(store.getSnapshot()).toMatchObject({ isCompleted: true, subscriptionError: null })
  })

  test('is made good by listening again', async () => {
    const store = client.runStore('A')
    const leave = store.subscribe(() => undefined)
    engine.crash()
    await settle()
    leave()
    store.subscribe(() => undefined)
    await settle()

    expect(store.getSnapshot()).toMatchObject({ status: 'pending', subscriptionError: null })
  })
})

test('a resumed run is followed again', async () => {
  const store = client.runStore('A')
  store.subscribe(() => undefined)
  engine.lease('A')
  engine.fail('A', 'bad row')
  await settle()
  await client.resume('A')
  await settle()
  expect(store.getSnapshot()).toMatchObject({ isPending: true, error: null })

  engine.lease('A')
  engine.complete('A', 'done')
  await settle()
  expect(store.getSnapshot()).toMatchObject({ isCompleted: true, output: 'done' })
})

test('a new engine is followed, though its numbers start anew', async () => {
  const store = client.runStore('A')
  store.subscribe(() => undefined)
  engine.lease('A')
  for (let current = 1; current < 10; current += 1) engine.progress('A', { current })
  await settle()
  engine.restart()
  engine.progress('A', { current: 5 })
  await settle()

  expect(store.getSnapshot()).toMatchObject({ isLeased: true, progress: { current: 5 } })
})

describe('assume', () => {
  test('fills a blank until the snapshot comes', async () => {
    const store = client.runStore('A')
    store.assume(runOf({ status: 'leased', progress: { current: 4 } }))
    expect(store.getSnapshot()).toMatchObject({ status: 'leased', progress: { current: 4 } })

    store.subscribe(() => undefined)
    await settle()
    expect(store.getSnapshot()).toMatchObject({ status: 'pending', progress: null })
  })

  test.each(['leased' as const, runOf({ status: 'leased' })])(
    'brings a removed run back: %#',
    async (known) => {
      const store = client.runStore('A')
      store.subscribe(() => undefined)
      await settle()
      engine.replaceWith()
      await settle()
      store.assume(known)

      expect(store.getSnapshot()).toMatchObject({ isLeased: true, isDeleted: false })
    },
  )

  test('changes nothing that is known', async () => {
    const store = client.runStore('A')
    store.subscribe(() => undefined)
    engine.lease('A')
    await settle()
    store.assume('pending')

    expect(store.getSnapshot().status).toBe('leased')
  })
})
