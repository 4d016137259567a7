/** When a memory snapshot is made: never beside a run. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { SnapshotNotice, ToWorker } from '../../../web/worker/protocol'
import { PLAN_ID, SnapshotPlan } from '../../../web/worker/snapshot-plan'

const workers: SecondWorker[] = []

class SecondWorker extends EventTarget {
  readonly orders: ToWorker[] = []
  readonly url: string
  isEnded = false

  constructor(url: string) {
    super()
    this.url = url
    workers.push(this)
  }

  postMessage(order: ToWorker): void {
    this.orders.push(order)
  }

  terminate(): void {
    this.isEnded = true
  }

  tell(notice: SnapshotNotice): void {
    this.dispatchEvent(new MessageEvent('message', { data: { kind: 'snapshot', notice } }))
  }

  haveRehearsed(): void {
    this.dispatchEvent(new MessageEvent('message', { data: { kind: 'rehearsed' } }))
  }
}

beforeEach(() => {
  workers.length = 0
  vi.useFakeTimers()
  vi.stubGlobal('Worker', SecondWorker)
  vi.stubGlobal('self', { location: { href: 'http://localhost/worker.js' } })
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function begin() {
  const asked: [string, number, string][] = []
  const notices: SnapshotNotice[] = []
  const engine = { dispatch: (...call: [string, number, string]) => void asked.push(call) }
  const plan = new SnapshotPlan(engine, 'http://localhost/manifest.json', (notice) =>
    notices.push(notice),
  )
  plan.start()
  const hear = (...events: object[]) => plan.take('events', JSON.stringify(events))
  return { plan, asked, notices, hear }
}

const made: SnapshotNotice = { state: 'made', bytes: 1, took: 2 }
const idle = { type: 'snapshot', runs: [{ id: 'P', status: 'pending' }] }

test('it is made when nothing runs, by a worker of the same script', async () => {
  const { asked, notices, hear } = begin()
  expect(asked[0]?.slice(0, 2)).toEqual(['subscribe', PLAN_ID])

  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)
  workers[0]?.tell(made)
  expect(notices).toEqual([made])
  workers[0]?.haveRehearsed()

  expect(workers).toMatchObject([{ url: 'http://localhost/worker.js', isEnded: true }])
  expect(workers[0]?.orders).toEqual([
    { kind: 'make-snapshot', manifestUrl: 'http://localhost/manifest.json' },
  ])
  expect(notices).toEqual([made])
  expect(asked.at(-1)).toEqual(['unsubscribe', PLAN_ID, ''])
})

test('once it is made its worker may rehearse, until a run begins', async () => {
  const { asked, notices, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  workers[0]?.tell(made)
  expect(workers).toMatchObject([{ isEnded: false }])
  hear({ type: 'run:leased', runId: 'A' })
  hear({ type: 'run:complete', runId: 'A' })
  await vi.advanceTimersByTimeAsync(100_000)

  expect(workers).toMatchObject([{ isEnded: true }])
  expect(notices).toEqual([made])
  expect(asked.at(-1)).toEqual(['unsubscribe', PLAN_ID, ''])
})

test('a rehearsal that has no end is ended, and nobody is told', async () => {
  const { notices, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)
  workers[0]?.tell(made)

  await vi.advanceTimersByTimeAsync(200_000)

  expect(workers).toMatchObject([{ isEnded: true }])
  expect(notices).toEqual([made])
})

test('a run that begins ends it at once; it is begun again when the run has ended', async () => {
  const { hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  hear({ type: 'run:leased', runId: 'A' }, { type: 'run:leased', runId: 'B' })
  expect(workers).toMatchObject([{ isEnded: true }])
  hear({ type: 'run:complete', runId: 'A' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(workers).toHaveLength(1)
  hear({ type: 'run:cancel', runId: 'B' })
  await vi.advanceTimersByTimeAsync(3_000)

  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: false }])
})

test('runs that are at work from the beginning count', async () => {
  const { hear } = begin()

  hear({ type: 'snapshot', runs: [{ id: 'A', status: 'leased' }] })
  await vi.advanceTimersByTimeAsync(10_000)

  expect(workers).toEqual([])
})

test('none is made for an engine that ends', async () => {
  const { plan, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  plan.stop()
  workers[0]?.tell(made)
  hear(idle)
  await vi.advanceTimersByTimeAsync(10_000)

  expect(workers).toMatchObject([{ isEnded: true }])
})

test('law 10: a worker that cannot be made or that fails is told of', async () => {
  const failed = begin()
  failed.hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)
  workers[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'no memory' }))
  expect(failed.notices).toMatchObject([{ state: 'refused' }])

  vi.stubGlobal('Worker', undefined)
  const impossible = begin()

  expect(impossible.notices).toMatchObject([{ state: 'refused' }])
  expect(impossible.asked).toEqual([])
})

test('law 10: a worker that says nothing is begun anew once, and then told of', async () => {
  const { notices, hear } = begin()
  hear(idle)

  await vi.advanceTimersByTimeAsync(70_000)
  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: false }])
  expect(notices).toEqual([])
  await vi.advanceTimersByTimeAsync(70_000)

  expect(workers).toMatchObject([{ isEnded: true }, { isEnded: true }])
  expect(notices).toMatchObject([{ state: 'refused' }])
})
