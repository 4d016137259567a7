/** The life of the worker that makes a memory snapshot, beside an engine that says when it may. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FromWorker, SnapshotNotice, ToWorker } from '../../../../web/spa/bridge/protocol'
import { SnapshotMaker } from '../../../../web/spa/page/memory-maker'
import { WorkerLink } from '../../../../web/spa/page/worker-link'

const MANIFEST = 'http://localhost/manifest.json'

class SecondWorker extends EventTarget implements Worker {
  onmessage = null
  onmessageerror = null
  onerror = null
  readonly orders: ToWorker[] = []
  isEnded = false

  postMessage(order: ToWorker): void {
    this.orders.push(order)
  }

  terminate(): void {
    this.isEnded = true
  }

  say(data: FromWorker): void {
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
}

beforeEach(() => vi.useFakeTimers())

afterEach(() => vi.useRealTimers())

function begin() {
  const workers: SecondWorker[] = []
  const make = () => {
    const worker = new SecondWorker()
    workers.push(worker)
    return worker
  }
  const notices: SnapshotNotice[] = []
  const over = vi.fn()
  const maker = new SnapshotMaker(make, MANIFEST, {
    snapshot: (notice) => notices.push(notice),
    over,
  })
  maker.begin()
  return { maker, workers, notices, over }
}

const made: SnapshotNotice = { state: 'made', bytes: 1, took: 2 }
const told: FromWorker = { kind: 'snapshot', notice: made }

test('it is ordered, told of, rehearsed for, and then over', () => {
  const { maker, workers, notices, over } = begin()
  expect(workers[0]?.orders).toEqual([{ kind: 'make-snapshot', manifestUrl: MANIFEST }])

  workers[0]?.say(told)
  expect(notices).toEqual([made])
  expect([workers[0]?.isEnded, over.mock.calls.length]).toEqual([false, 0])
  workers[0]?.say({ kind: 'rehearsed' })
  maker.begin()

  expect(workers).toMatchObject([{ isEnded: true }])
  expect(notices).toEqual([made])
  expect(over).toHaveBeenCalledOnce()
})

test('a run ends it at once, and what it still says counts no more; it is begun anew', () => {
  const { maker, workers, notices, over } = begin()

  maker.pause()
  expect(workers).toMatchObject([{ isEnded: true }])
  workers[0]?.say(told)
  workers[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'late' }))
  maker.begin()

  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: false }])
  expect(notices).toEqual([])
  expect(over).not.toHaveBeenCalled()
})

test('a run that ends a rehearsal ends it for good', () => {
  const { maker, workers, notices, over } = begin()
  workers[0]?.say(told)

  maker.pause()
  maker.begin()

  expect(workers).toMatchObject([{ isEnded: true }])
  expect(notices).toEqual([made])
  expect(over).toHaveBeenCalledOnce()
})

test('a rehearsal that has no end is ended, and nobody is told', () => {
  const { workers, notices, over } = begin()
  workers[0]?.say(told)

  vi.advanceTimersByTime(200_000)

  expect(workers).toMatchObject([{ isEnded: true }])
  expect(notices).toEqual([made])
  expect(over).toHaveBeenCalledOnce()
})

test('law 10: a worker that fails, or does not start, is told of', () => {
  for (const message of ['no memory', '']) {
    const { workers, notices, over } = begin()

    workers[0]?.dispatchEvent(Object.assign(new Event('error'), { message }))

    expect(notices).toMatchObject([{ state: 'refused', error: { code: 'snapshot_unusable' } }])
    expect(workers).toMatchObject([{ isEnded: true }])
    expect(over).toHaveBeenCalledOnce()
  }
})

test('law 10: a worker that cannot be made is told of', () => {
  const notices: SnapshotNotice[] = []
  const over = vi.fn()
  const make = () => {
    throw new Error('no worker today')
  }

  new SnapshotMaker(make, MANIFEST, { snapshot: (n) => notices.push(n), over }).begin()

  expect(notices).toMatchObject([
    { state: 'refused', error: { message: expect.stringContaining('no worker today') } },
  ])
  expect(over).toHaveBeenCalledOnce()
})

test('law 10: a worker that says nothing is begun anew once, and then told of', () => {
  const { workers, notices, over } = begin()

  vi.advanceTimersByTime(70_000)
  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: false }])
  expect(notices).toEqual([])
  vi.advanceTimersByTime(70_000)

  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: true }])
  expect(notices).toMatchObject([{ state: 'refused' }])
  expect(over).toHaveBeenCalledOnce()
})

describe("over the link to the engine's worker", () => {
  function link() {
    const engine = new SecondWorker()
    const second = new SecondWorker()
    const listener = {
      ...{ booting: vi.fn(), ready: vi.fn(), reply: vi.fn(), snapshot: vi.fn() },
      ...{ fault: vi.fn(), failed: vi.fn(), died: vi.fn(), hung: vi.fn() },
    }
    const config = { manifestUrl: MANIFEST, store: 'test' }
    const opened = new WorkerLink(engine, () => second, config, 'epoch', listener)
    engine.say({ kind: 'snapshot-wanted', isWanted: true })
    return { engine, second, listener, opened }
  }

  test('it is made when that worker wants it, until that wants none', () => {
    const { engine, second, listener } = link()
    expect(second.orders).toEqual([{ kind: 'make-snapshot', manifestUrl: MANIFEST }])

    second.say(told)
    engine.say({ kind: 'snapshot-wanted', isWanted: false })

    expect(listener.snapshot.mock.calls).toEqual([[made]])
    expect(second.isEnded).toBe(true)
    expect(engine.orders.at(-1)).toEqual({ kind: 'snapshot-over' })
  })

  test('it ends with that worker', () => {
    const { engine, second, opened } = link()

    opened.terminate()

    expect([engine.isEnded, second.isEnded]).toEqual([true, true])
  })
})
