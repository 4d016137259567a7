import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../web/core/client'
import { DurablyError } from '../../../web/core/errors'
import { JobStore, type JobStoreOptions } from '../../../web/core/job-store'
import { FakeEngine } from '../support/fake-engine'
import { runOf } from '../support/runs'
import { settle } from '../support/settle'

let engine: FakeEngine
let client: DurablyClient
let elsewhere: DurablyClient

beforeEach(() => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  elsewhere = new DurablyClient(engine.connect())
})

/** A store with a listener that writes down every run and status it shows. */
function show(options?: JobStoreOptions) {
  const store = new JobStore(client, 'import-csv', options)
  const seen: string[] = []
  const note = (): void => {
    const { runId, status } = store.getSnapshot()
    const now = `${runId} ${status}`
    if (now !== seen.at(-1)) seen.push(now)
  }
  const leave = store.subscribe(note)
  return { store, seen, leave }
}

const trigger = (runId: string, jobName = 'import-csv') => elsewhere.trigger(jobName, {}, { runId })

describe('autoResume', () => {
  test('shows the active run with its true status at once', async () => {
    await trigger('A')
    engine.lease('A')
    engine.progress('A', { current: 3, total: 9 })
    const { store, seen } = show()
    await settle()

    expect(seen).toEqual(['A leased'])
    expect(store.getSnapshot().progress).toEqual({ current: 3, total: 9 })
  })

  test('prefers a leased run to a newer pending one', async () => {
    for (const runId of ['A', 'B', 'C']) await trigger(runId)
    engine.lease('A')
    engine.lease('B')
    const { store } = show()
    await settle()

    expect(store.getSnapshot().runId).toBe('B')
  })

  test('takes the newest pending run when none is leased', async () => {
    for (const runId of ['A', 'B']) await trigger(runId)
    const { store } = show()
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'B', isPending: true })
  })

  test('leaves ended runs and other jobs alone', async () => {
    await trigger('A')
    engine.lease('A')
    engine.complete('A')
    await trigger('R', 'report')
    const { store, seen } = show()
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: null, status: null, isActive: false })
    // Told once: that there is none is known now.
    expect(seen).toEqual(['null null'])
    expect(store.getSnapshot().isResolving).toBe(false)
  })

  test('can be turned off', async () => {
    await trigger('A')
    const { store } = show({ autoResume: false })
    await settle()

    expect(store.getSnapshot().runId).toBeNull()
  })

  test('works in whoever listens again before the first answer came', async () => {
    await trigger('A')
    const { store, leave } = show()
    leave()
    store.subscribe(() => undefined)
    await settle()

    expect(store.getSnapshot().runId).toBe('A')
  })
})

describe('initialRunId', () => {
  test('of an ended run shows its real end, and nothing else before it', async () => {
    await trigger('A')
    engine.lease('A')
    engine.complete('A', { rows: 7 })
    const { store, seen } = show({ initialRunId: 'A' })
    expect(store.getSnapshot()).toMatchObject({ runId: 'A', status: null })
    await settle()

    expect(seen).toEqual(['A completed'])
    expect(store.getSnapshot().output).toEqual({ rows: 7 })
  })

  test('comes before the active run', async () => {
    await trigger('A')
    engine.lease('A')
    engine.fail('A', 'bad row')
    await trigger('B')
    const { store } = show({ initialRunId: 'A' })
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'A', isFailed: true })
  })

  test('of an unknown run shows why nothing is shown', async () => {
    const { store } = show({ initialRunId: 'missing' })
    await settle()

    expect(store.getSnapshot()).toMatchObject({
      status: null,
      subscriptionError: { code: 'not_found' },
    })
  })
})

describe('followLatest', () => {
  test('switches to a run that is triggered elsewhere', async () => {
    await trigger('A')
    const { seen } = show()
    await settle()
    await trigger('B')
    await settle()

    expect(seen.at(-1)).toBe('B pending')
    expect(seen).not.toContain('B null')
  })

  test('switches to a run of the job that is leased', async () => {
    await trigger('A')
    await trigger('B')
    const { store } = show()
    await settle()
    engine.lease('A')
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'A', isLeased: true })
  })

  test('stays with its run while other jobs are triggered', async () => {
    await trigger('A')
    const { store } = show()
    await settle()
    await trigger('R', 'report')
    engine.lease('R')
    await settle()

    expect(store.getSnapshot().runId).toBe('A')
  })

  test('turned off, only own triggers are shown', async () => {
    const { store } = show({ followLatest: false })
    await settle()
    await trigger('A')
    await settle()
    expect(store.getSnapshot().runId).toBeNull()

    const { runId } = await store.trigger({})
    expect(store.getSnapshot()).toMatchObject({ runId, isPending: true })
  })

  test('finds what began while a new engine took over', async () => {
    await trigger('A')
    engine.lease('A')
    const { store } = show()
    await settle()
    engine.complete('A')
    await settle()
    engine.restart()
    await trigger('B')
    engine.restart()
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'B', isPending: true })
  })

  test('does not go back to an older run when a new engine takes over', async () => {
    await trigger('A')
    const { store } = show()
    await settle()
    await trigger('B')
    await settle()
    engine.lease('B')
    engine.complete('B')
    await settle()
    engine.restart()
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'B', isCompleted: true })
  })
})

describe('trigger', () => {
  test('shows the new run as pending by the time it resolves', async () => {
    const { store, seen } = show()
    await settle()
    const { runId, disposition } = await store.trigger({ rows: 1 })

    expect(disposition).toBe('created')
    expect(store.getSnapshot()).toMatchObject({ runId, isPending: true })
    expect(engine.run(runId).input).toEqual({ rows: 1 })
    expect(seen).toEqual(['null null', `${runId} pending`])
  })

  test('keeps the former run on screen until an idempotent hit is known', async () => {
    await elsewhere.trigger('import-csv', {}, { runId: 'A', idempotencyKey: 'k' })
    engine.lease('A')
    engine.complete('A', 'first')
    const { store, seen } = show({ followLatest: false })
    await store.trigger({}, { runId: 'B' })
    await settle()
    await store.trigger({}, { idempotencyKey: 'k' })
    await settle()

    expect(seen).toEqual(['null null', 'B pending', 'A completed'])
    expect(store.getSnapshot().output).toBe('first')
  })

  test('that is refused leaves the shown run as it is', async () => {
    await trigger('A')
    const { store } = show()
    await settle()
    const state = store.getSnapshot()
    engine.failNext('trigger', new DurablyError('validation', 'file: field required'))

    await expect(store.trigger({})).rejects.toMatchObject({ code: 'validation' })
    expect(store.getSnapshot()).toBe(state)
  })

  test('after the screen is gone opens no subscription', async () => {
    const { store, leave } = show()
    leave()
    await store.trigger({})

    expect(engine.subscriptions).toEqual([])
  })
})

test('triggerAndWait shows the run and resolves with its output', async () => {
  const { store } = show()
  const waiting = store.triggerAndWait({}, { runId: 'A' })
  await settle()
  expect(store.getSnapshot()).toMatchObject({ runId: 'A', isPending: true })
  engine.lease('A')
  engine.complete('A', { rows: 1 })

  expect(await waiting).toEqual({ runId: 'A', disposition: 'created', output: { rows: 1 } })
  expect(store.getSnapshot().isCompleted).toBe(true)
})

describe('reset', () => {
  test('shows no run and follows it no more', async () => {
    await trigger('A')
    const { store } = show()
    await settle()
    store.reset()
    engine.progress('A', { current: 1 })
    await settle()

    expect(store.getSnapshot()).toMatchObject({
      runId: null,
      status: null,
      progress: null,
      logs: [],
    })
    expect(engine.subscriptions).toHaveLength(1)
  })

  test('is not the end: the next run is followed', async () => {
    const { store } = show({ initialRunId: 'missing' })
    await settle()
    store.reset()
    await trigger('A')
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'A', subscriptionError: null })
  })
})

test('a run that is resumed elsewhere is followed again, whatever the options', async () => {
  await trigger('A')
  engine.lease('A')
  engine.fail('A', 'bad row')
  const { store } = show({ initialRunId: 'A', autoResume: false, followLatest: false })
  await settle()
  await elsewhere.resume('A')
  await settle()
  engine.lease('A')
  await settle()

  expect(store.getSnapshot()).toMatchObject({ runId: 'A', isLeased: true, error: null })
})

test('a deleted run is shown no more', async () => {
  const { store } = show()
  await settle()
  await trigger('A')
  await settle()
  engine.lease('A')
  await elsewhere.cancel('A')
  await settle()
  expect(store.getSnapshot().isCancelled).toBe(true)

  await elsewhere.deleteRun('A')
  await settle()
  expect(store.getSnapshot()).toMatchObject({ runId: null, status: null })
})

describe('after something was not heard', () => {
  /** A store that shows the failed run A, which no subscription follows any more. */
  async function showFailed(options?: JobStoreOptions) {
    await trigger('A')
    const { store } = show({ initialRunId: 'A', ...options })
    engine.lease('A')
    engine.fail('A', 'bad row')
    await settle()
    return store
  }

  test.each([{}, { autoResume: false, followLatest: false }])(
    'a run that was resumed is followed to its end, with %j',
    async (options) => {
      const store = await showFailed(options)
      await engine.unheard(async () => {
        await elsewhere.resume('A')
        engine.lease('A')
      })
      await settle()
      expect(store.getSnapshot()).toMatchObject({ runId: 'A', isLeased: true, error: null })

      engine.complete('A', 3)
      await settle()
      expect(store.getSnapshot()).toMatchObject({ isCompleted: true, output: 3 })
    },
  )

  test('a run that was resumed and has ended again shows its new end', async () => {
    const store = await showFailed()
    await engine.unheard(async () => {
      await elsewhere.resume('A')
      engine.complete('A', 3)
    })
    await settle()

    expect(store.getSnapshot()).toMatchObject({ isCompleted: true, output: 3, error: null })
  })

  test('a run that was deleted is shown no more', async () => {
    const store = await showFailed()
    await engine.unheard(() => elsewhere.deleteRun('A'))
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: null, status: null })
  })

  test('a newer run takes the place of one that was resumed', async () => {
    const store = await showFailed()
    await engine.unheard(async () => {
      await elsewhere.resume('A')
      await trigger('B')
    })
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'B', isPending: true })
    expect(engine.subscriptions.filter((open) => 'runId' in open)).toMatchObject([{ runId: 'B' }])
  })
})

describe('another store', () => {
  test.each(['leased', 'completed'])(
    'without the shown run, which is %s, shows none',
    async (how) => {
      await trigger('A')
      const { store } = show({ initialRunId: 'A' })
      engine.lease('A')
      if (how === 'completed') engine.complete('A')
      await settle()
      engine.replaceWith()
      await settle()

      expect(store.getSnapshot()).toMatchObject({
        runId: null,
        status: null,
        isActive: false,
        subscriptionError: null,
      })
      expect(engine.subscriptions).toHaveLength(1)
    },
  )

  test.each([{ followLatest: true }, { followLatest: false }])(
    'shows its active run, though that is older, with %j',
    async ({ followLatest }) => {
      await trigger('B')
      const { store } = show({ followLatest })
      await settle()
      engine.replaceWith(runOf({ id: 'A', status: 'leased' }))
      await settle()

      expect(store.getSnapshot().runId).toBe(followLatest ? 'A' : null)
    },
  )

  test('that brings a removed run back shows it again', async () => {
    await trigger('A')
    const { store } = show()
    await settle()
    const kept = client.runStore('A')
    engine.replaceWith()
    await settle()
    expect(kept.getSnapshot().isDeleted).toBe(true)
    engine.replaceWith(runOf({ id: 'A', status: 'leased' }))
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'A', isLeased: true })
  })

  test('with the shown run shows how it is there', async () => {
    await trigger('A')
    const { store } = show()
    engine.lease('A')
    await settle()
    engine.replaceWith(runOf({ id: 'A', status: 'completed', output: 3, isTerminal: true }))
    await settle()

    expect(store.getSnapshot()).toMatchObject({ runId: 'A', isCompleted: true, output: 3 })
  })
})

test('a lost engine keeps the state and shows the error', async () => {
  await trigger('A')
  const { store } = show()
  await settle()
  engine.crash()
  await settle()

  expect(store.getSnapshot()).toMatchObject({
    status: 'pending',
    subscriptionError: { code: 'worker_crashed' },
  })
})

test('an engine that is lost while no run is shown is told of as well', async () => {
  const { store } = show()
  await settle()
  engine.crash()
  await settle()

  expect(store.getSnapshot()).toMatchObject({
    runId: null,
    subscriptionError: { code: 'worker_crashed' },
  })
})

test('one run is followed at a time, and each once', async () => {
  const followed = vi.spyOn(client, 'runStore')
  show()
  await settle()
  await trigger('A')
  await settle()
  engine.lease('A')
  await trigger('B')
  await settle()
  engine.restart()
  await settle()

  expect(engine.subscriptions.filter((open) => 'runId' in open)).toMatchObject([{ runId: 'A' }])
  expect(followed.mock.calls).toEqual([['A'], ['B'], ['A']])
})

test('whoever listens twice opens one feed, and may leave twice', () => {
  const store = new JobStore(client, 'import-csv')
  const listener = (): void => undefined
  const leaves = [store.subscribe(listener), store.subscribe(listener)]
  expect(engine.subscriptions).toHaveLength(1)
  for (const leave of leaves) leave()

  expect(engine.subscriptions).toEqual([])
})

test('leaving ends every subscription', async () => {
  await trigger('A')
  const { leave } = show()
  await settle()
  expect(engine.subscriptions).toHaveLength(2)
  leave()

  expect(engine.subscriptions).toEqual([])
})
