import { act, cleanup, renderHook } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  DurablyClient,
  DurablyError,
  defineJobRef,
  type JobStoreOptions,
} from '../../../web/core/index'
import { DurablyProvider, useJob } from '../../../web/react/index'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'

const importCsv = defineJobRef<'import-csv', { file?: string }, { rows: number }>('import-csv')

let engine: FakeEngine
let client: DurablyClient
let complaints: ReturnType<typeof vi.spyOn>

beforeEach(() => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
})

afterEach(() => {
  cleanup()
  expect(complaints.mock.calls).toEqual([])
  complaints.mockRestore()
})

function wrapper({ children }: { readonly children: ReactNode }) {
  return (
    <StrictMode>
      <DurablyProvider durably={client}>{children}</DurablyProvider>
    </StrictMode>
  )
}

/** `useJob` under StrictMode, with every distinct run and status that it rendered. */
function renderJob(options: JobStoreOptions = {}) {
  const rendered: string[] = []
  const hook = renderHook(
    (props: JobStoreOptions) => {
      const job = useJob(importCsv, props)
      const now = `${job.currentRunId} ${job.status}`
      if (now !== rendered.at(-1)) rendered.push(now)
      return job
    },
    { wrapper, initialProps: options },
  )
  return { ...hook, rendered }
}

const settled = () => act(settle)

describe('a run from the trigger to its end', () => {
  test('is shown step by step', async () => {
    const { result, rendered } = renderJob()
    await settled()
    await act(() => result.current.trigger({}, { runId: 'A' }))
    expect(result.current).toMatchObject({ isPending: true, isActive: true, currentRunId: 'A' })

    act(() => engine.lease('A'))
    engine.progress('A', { current: 1, total: 2, message: 'half' })
    engine.log('A', 'begun')
    await settled()
    expect(result.current).toMatchObject({
      isLeased: true,
      progress: { current: 1, total: 2, message: 'half' },
      logs: [{ message: 'begun', level: 'info' }],
    })

    engine.complete('A', { rows: 2 })
    await settled()
    expect(result.current).toMatchObject({
      isCompleted: true,
      isTerminal: true,
      isActive: false,
      output: { rows: 2 },
      error: null,
    })
    expect(rendered).toEqual(['null null', 'A pending', 'A leased', 'A completed'])
  })

  test('that fails shows its error and type', async () => {
    const { result } = renderJob()
    await act(() => result.current.trigger({}, { runId: 'A' }))
    engine.fail('A', 'bad row', 'ValueError')
    await settled()

    expect(result.current).toMatchObject({
      isFailed: true,
      error: 'bad row',
      errorType: 'ValueError',
      output: null,
    })
  })

  test('that is cancelled shows it', async () => {
    const { result } = renderJob()
    await act(() => result.current.trigger({}, { runId: 'A' }))
    await act(() => client.cancel('A'))

    expect(result.current).toMatchObject({ isCancelled: true, isTerminal: true, error: null })
  })

  test('that waits out a backoff says until when', async () => {
    const { result } = renderJob()
    await act(() => result.current.trigger({}, { runId: 'A' }))
    engine.lease('A')
    engine.release('A', '2026-01-01T00:05:00.000Z')
    await settled()

    expect(result.current).toMatchObject({
      isPending: true,
      isParked: false,
      availableAt: '2026-01-01T00:05:00.000Z',
    })
  })

  test('can be waited for, also without an output', async () => {
    const { result } = renderJob()
    const waiting = result.current.triggerAndWait({}, { runId: 'A' })
    await settled()
    expect(result.current.status).toBe('pending')
    engine.complete('A')
    await settled()

    expect(await waiting).toEqual({ runId: 'A', disposition: 'created', output: null })
  })
})

describe('a file in the input', () => {
  test('is stored before the run exists, and the run carries its reference', async () => {
    const { result } = renderHook(() => useJob('import-csv'), { wrapper })
    const file = new File(['a,b\n1,2\n'], 'rows.csv', { type: 'text/csv' })
    await act(() => result.current.trigger({ file }, { runId: 'A' }))

    expect(engine.run('A').input).toMatchObject({
      file: { name: 'rows.csv', size: 8, mediaType: 'text/csv' },
    })
  })
})

describe('after a reload', () => {
  test('the active run is there with its true status, and no other before', async () => {
    await client.trigger(importCsv, {}, { runId: 'A' })
    engine.lease('A')
    engine.progress('A', { current: 7 })
    const { result, rendered } = renderJob()
    await settled()

    expect(rendered).toEqual(['null null', 'A leased'])
    expect(result.current.progress).toEqual({ current: 7 })
  })

  test('an ended run given by its id is there with its end', async () => {
    await client.trigger(importCsv, {}, { runId: 'A' })
    engine.complete('A', { rows: 5 })
    const { result, rendered } = renderJob({ initialRunId: 'A' })
    await settled()

    expect(rendered).toEqual(['A null', 'A completed'])
    expect(result.current.output).toEqual({ rows: 5 })
  })

  test('a run that another view follows is right in the first render', async () => {
    await client.trigger(importCsv, {}, { runId: 'A' })
    engine.lease('A')
    renderJob()
    await settled()
    const second = renderJob({ initialRunId: 'A' })

    expect(second.rendered).toEqual(['A leased'])
  })
})

describe('two hooks', () => {
  test('on one run share its subscription and show the same', async () => {
    const first = renderJob()
    const second = renderJob()
    await settled()
    await act(() => first.result.current.trigger({}, { runId: 'A' }))
    engine.lease('A')
    await settled()

    expect(second.result.current).toMatchObject({ currentRunId: 'A', isLeased: true })
    const followed = engine.subscriptions.filter((open) => 'runId' in open)
    expect(followed).toMatchObject([{ runId: 'A' }])
  })

  test('are told apart by followLatest', async () => {
    const own = renderJob({ followLatest: false, autoResume: false })
    const latest = renderJob()
    await settled()
    await act(() => client.trigger(importCsv, {}, { runId: 'A' }))
    await settled()

    expect(own.result.current.currentRunId).toBeNull()
    expect(latest.result.current.currentRunId).toBe('A')
  })
})

describe('identity', () => {
  test('the functions stay the same over renders and states', async () => {
    const { result, rerender } = renderJob()
    const { trigger, triggerAndWait, reset } = result.current
    await act(() => trigger({}))
    rerender({})

    expect(result.current.trigger).toBe(trigger)
    expect(result.current.triggerAndWait).toBe(triggerAndWait)
    expect(result.current.reset).toBe(reset)
  })

  test('the result stays the same while nothing changes', async () => {
    const { result, rerender } = renderJob()
    await act(() => result.current.trigger({}, { runId: 'A' }))
    await settled()
    const before = result.current
    engine.renew('A')
    await settled()
    rerender({})

    expect(result.current).toBe(before)
  })

  test('another initialRunId shows the other run', async () => {
    for (const runId of ['A', 'B']) await client.trigger(importCsv, {}, { runId })
    engine.lease('A')
    const { result, rerender } = renderJob({ initialRunId: 'A' })
    await settled()
    rerender({ initialRunId: 'B' })
    await settled()

    expect(result.current).toMatchObject({ currentRunId: 'B', isPending: true })
  })
})

test('reset shows no run, and the next is shown again', async () => {
  const { result } = renderJob()
  await act(() => result.current.trigger({}, { runId: 'A' }))
  act(() => result.current.reset())
  expect(result.current).toMatchObject({ status: null, currentRunId: null, logs: [] })

  await act(() => result.current.trigger({}, { runId: 'B' }))
  expect(result.current.currentRunId).toBe('B')
})

test('a store that was reset leaves no button disabled', async () => {
  const { result } = renderJob()
  await act(() => result.current.trigger({}, { runId: 'A' }))
  engine.lease('A')
  await settled()
  expect(result.current.isActive).toBe(true)
  engine.replaceWith()
  await settled()

  expect(result.current).toMatchObject({ currentRunId: null, status: null, isActive: false })
})

test('a run that was resumed while the tab was frozen is shown as it is', async () => {
  const { result } = renderJob()
  await act(() => result.current.trigger({}, { runId: 'A' }))
  engine.lease('A')
  engine.fail('A', 'network down')
  await settled()
  await engine.unheard(() => new DurablyClient(engine.connect()).resume('A'))
  await settled()

  expect(result.current).toMatchObject({ currentRunId: 'A', isPending: true, error: null })
})

test('unmounting ends every subscription, and mounting again resumes', async () => {
  const first = renderJob()
  await act(() => first.result.current.trigger({}, { runId: 'A' }))
  expect(engine.subscriptions).toHaveLength(2)
  first.unmount()
  expect(engine.subscriptions).toEqual([])

  engine.lease('A')
  const { result } = renderJob()
  await settled()
  expect(result.current).toMatchObject({ currentRunId: 'A', isLeased: true })
})

test('a lost engine keeps what is shown and says why it stopped', async () => {
  const { result } = renderJob()
  await act(() => result.current.trigger({}, { runId: 'A' }))
  engine.lease('A')
  await settled()
  engine.crash(new DurablyError('worker_crashed', 'the worker ended'))
  await settled()

  expect(result.current).toMatchObject({
    isLeased: true,
    error: 'the worker ended',
    subscriptionError: { code: 'worker_crashed' },
  })
})

test('a refused trigger rejects and shows nothing', async () => {
  const { result } = renderHook(() => useJob('no-such-job'), { wrapper })
  await settled()

  await act(() => expect(result.current.trigger({})).rejects.toMatchObject({ code: 'unknown_job' }))
  expect(result.current.status).toBeNull()
})
