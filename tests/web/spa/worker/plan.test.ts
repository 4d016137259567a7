/** When a memory snapshot may be made: never beside a run. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PLAN_ID, SnapshotPlan } from '../../../../web/spa/worker/memory/plan'

beforeEach(() => vi.useFakeTimers())

afterEach(() => vi.useRealTimers())

function begin() {
  const asked: [string, number, string][] = []
  const wanted: boolean[] = []
  const engine = { dispatch: (...call: [string, number, string]) => void asked.push(call) }
  const plan = new SnapshotPlan(engine, (isWanted) => wanted.push(isWanted))
  plan.start()
  const hear = (...events: object[]) => plan.take('events', JSON.stringify(events))
  return { plan, asked, wanted, hear }
}

const idle = { type: 'snapshot', runs: [{ id: 'P', status: 'pending' }] }

test('it is wanted when nothing has run for two seconds, and said once', async () => {
  const { asked, wanted, hear } = begin()
  expect(asked[0]?.slice(0, 2)).toEqual(['subscribe', PLAN_ID])

  hear(idle)
  await vi.advanceTimersByTimeAsync(1_900)
  expect(wanted).toEqual([])
  hear({ type: 'run:cancel', runId: 'P' })
  await vi.advanceTimersByTimeAsync(60_000)

  expect(wanted).toEqual([true])
})

test('a run that begins takes it back at once; the end of the last one wants it again', async () => {
  const { wanted, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  hear({ type: 'run:leased', runId: 'A' }, { type: 'run:leased', runId: 'B' })
  expect(wanted).toEqual([true, false])
  hear({ type: 'run:complete', runId: 'A' })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(wanted).toEqual([true, false])
  hear({ type: 'run:cancel', runId: 'B' })
  await vi.advanceTimersByTimeAsync(3_000)

  expect(wanted).toEqual([true, false, true])
})

test('runs that are at work from the beginning count', async () => {
  const { wanted, hear } = begin()

  hear({ type: 'snapshot', runs: [{ id: 'A', status: 'leased' }] })
  await vi.advanceTimersByTimeAsync(10_000)

  expect(wanted).toEqual([])
})

test('a run so short that nobody saw it idle begins the two seconds anew', async () => {
  const { wanted, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(1_500)

  hear({ type: 'run:leased', runId: 'A' })
  hear({ type: 'run:complete', runId: 'A' })
  await vi.advanceTimersByTimeAsync(1_500)
  expect(wanted).toEqual([])
  await vi.advanceTimersByTimeAsync(1_000)

  expect(wanted).toEqual([true])
})

test('none is wanted for an engine that ends', async () => {
  const { plan, wanted, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  plan.stop()
  hear(idle)
  await vi.advanceTimersByTimeAsync(10_000)

  expect(wanted).toEqual([true, false])
})

test('once it is over, the engine is asked for no more events, and none is wanted', async () => {
  const { plan, asked, wanted, hear } = begin()
  hear(idle)
  await vi.advanceTimersByTimeAsync(3_000)

  plan.end()
  plan.end()
  hear(idle)
  await vi.advanceTimersByTimeAsync(10_000)

  expect(asked.slice(1)).toEqual([['unsubscribe', PLAN_ID, '']])
  expect(wanted.at(-1)).toBe(false)
})
