import { act, cleanup, renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DurablyClient } from '../../../web/core/index'
import { DurablyProvider, useJobRun, useSchedules, useWaits } from '../../../web/react/index'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'

let engine: FakeEngine
let client: DurablyClient

beforeEach(async () => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  await client.trigger('import-csv', {}, { runId: 'A' })
})

afterEach(cleanup)

function wrapper({ children }: { readonly children: ReactNode }) {
  return <DurablyProvider durably={client}>{children}</DurablyProvider>
}

const settled = () => act(settle)
/** Changes are answered together: the store asks again a little later. */
const gathered = () => act(() => new Promise((resolve) => setTimeout(resolve, 150)))

describe('useWaits', () => {
  test('shows what a run comes to wait for, and who was told', async () => {
    const { result } = renderHook(() => useWaits('A'), { wrapper })
    expect(result.current).toMatchObject({ waits: [], isLoading: true })
    await settled()
    expect(result.current).toMatchObject({ waits: [], open: [], isLoading: false })

    act(() => engine.wait('A', 'W', { metadata: { who: 'the boss' } }))
    await gathered()
    expect(result.current.open).toMatchObject([{ id: 'W', metadata: { who: 'the boss' } }])

    await act(async () => {
      const answer = await result.current.signal('W', { approved: true })
      expect(answer.disposition).toBe('accepted')
    })
    await gathered()
    expect(result.current.open).toEqual([])
    expect(result.current.waits).toMatchObject([
      { id: 'W', status: 'resolved', payload: { approved: true } },
    ])
  })

  test('a timer is a wait, and nobody can answer it', async () => {
    engine.wait('A', 'T', { kind: 'timer', deadlineAt: '2026-02-01T00:00:00.000Z' })
    const { result } = renderHook(() => useWaits('A'), { wrapper })
    await settled()
    expect(result.current.waits).toHaveLength(1)
    expect(result.current.open).toEqual([])
  })

  test('of no run there is nothing, and nothing is asked', async () => {
    const { result } = renderHook(() => useWaits(null), { wrapper })
    await settled()
    expect(result.current).toMatchObject({ waits: [], open: [], error: null, isLoading: false })
    expect(engine.calls.filter(({ op }) => op === 'getWaits')).toEqual([])
  })

  test('a refusal reaches who answered', async () => {
    const { result } = renderHook(() => useWaits('A'), { wrapper })
    await settled()
    await expect(result.current.signal('none', 1)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('useJobRun', () => {
  test('says that a run waits, and until when', async () => {
    const { result } = renderHook(() => useJobRun({ runId: 'A' }), { wrapper })
    await settled()
    act(() => engine.wait('A', 'W', { deadlineAt: '2026-02-01T00:00:00.000Z' }))
    await settled()
    expect(result.current).toMatchObject({
      status: 'waiting',
      isWaiting: true,
      isActive: true,
      waitingUntil: '2026-02-01T00:00:00.000Z',
    })
  })
})

describe('client', () => {
  test('a signal and a message carry an id of their own, so that they may be repeated', async () => {
    engine.wait('A', 'W', { topic: 'paid', key: '42' })
    await client.send('paid', 1, { key: '42' })
    const again = await client.getWait('W')
    expect(again).toMatchObject({ status: 'resolved', payload: 1 })
    const ids = engine.calls.flatMap(({ op, params }) =>
      op === 'send' ? [(params as { messageId: string }).messageId] : [],
    )
    expect(ids).toEqual([expect.stringMatching(/^[0-9A-Z]{26}$/)])
  })

  test('a date and a delay say when a run begins', async () => {
    await client.trigger('import-csv', {}, { runAt: '2026-02-01T00:00:00.000Z' })
    await client.trigger('import-csv', {}, { delay: 5000 })
    const sent = engine.calls.filter(({ op }) => op === 'trigger').map(({ params }) => params)
    expect(sent.slice(1)).toMatchObject([{ runAt: '2026-02-01T00:00:00.000Z' }, { delay: 5000 }])
  })
})

describe('useSchedules', () => {
  test('shows when jobs run by themselves, lets them rest, and triggers them', async () => {
    const nightly = { name: 'nightly', jobName: 'import-csv', spec: 'Every(1)' }
    const due = { nextAt: '2026-02-01T00:00:00.000Z', lastAt: null, isPaused: false }
    engine.schedules.set('nightly', { ...nightly, ...due })
    const { result } = renderHook(() => useSchedules(), { wrapper })
    await settled()
    expect(result.current.schedules).toMatchObject([{ name: 'nightly', isPaused: false }])

    await act(() => result.current.pause('nightly'))
    expect(result.current.schedules).toMatchObject([{ isPaused: true }])
    await act(() => result.current.resume('nightly'))
    expect(result.current.schedules).toMatchObject([{ isPaused: false }])
    const made = await act(() => result.current.trigger('nightly'))
    expect(await client.getRun(made.runId)).toMatchObject({ jobName: 'import-csv' })
    await expect(result.current.pause('none')).rejects.toMatchObject({ code: 'not_found' })
    await gathered()
  })
})
