import { act, cleanup, renderHook } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  DurablyClient,
  DurablyError,
  defineJobRef,
  defineQueryRef,
  type RunsOptions,
} from '../../../web/core/index'
import {
  createDurably,
  DurablyProvider,
  type UseJobRunOptions,
  useJob,
  useJobLogs,
  useJobRun,
  useQuery,
  useRunActions,
  useRuns,
} from '../../../web/react/index'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'

const importCsv = defineJobRef<'import-csv', { file?: string }, { rows: number }>('import-csv')
const rows = defineQueryRef<'rows', { page: number }, { name: string }>('rows')

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
  expect(engine.subscriptions).toEqual([])
})

function wrapper({ children }: { readonly children: ReactNode }) {
  return (
    <StrictMode>
      <DurablyProvider durably={client}>{children}</DurablyProvider>
    </StrictMode>
  )
}

const settled = () => act(settle)
/** Longer than bursts of changes are gathered. */
const gathered = () => act(() => new Promise((resolve) => setTimeout(resolve, 150)))
const callsOf = (op: string) => engine.calls.filter((call) => call.op === op)

async function runs(count: number, labels: Record<string, string> = {}): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await client.trigger(importCsv, {}, { runId: `R${String(n).padStart(2, '0')}`, labels })
  }
}

describe('useJob', () => {
  test('tells "nothing to show" from "not known yet"', async () => {
    const { result } = renderHook(() => useJob(importCsv), { wrapper })
    expect(result.current).toMatchObject({ isResolving: true, currentRunId: null })
    await settled()
    expect(result.current).toMatchObject({ isResolving: false, currentRunId: null })
  })

  test('resolves to the active run without a state in between', async () => {
    await runs(1)
    const seen: string[] = []
    renderHook(
      () => {
        const { isResolving, status } = useJob(importCsv)
        seen.push(`${isResolving} ${status}`)
      },
      { wrapper },
    )
    await settled()
    expect([...new Set(seen)]).toEqual(['true null', 'false pending'])
  })

  test('that is told to resume nothing has nothing to resolve', async () => {
    const { result } = renderHook(() => useJob(importCsv, { autoResume: false }), { wrapper })
    expect(result.current.isResolving).toBe(false)
    await settled()
  })

  test('looks for and follows only the runs of its scope', async () => {
    await client.trigger(importCsv, {}, { runId: 'A', labels: { user: 'ada' } })
    await client.trigger(importCsv, {}, { runId: 'B', labels: { user: 'bob' } })
    const { result, rerender } = renderHook(
      ({ user }) => useJob(importCsv, { scope: { labels: { user } } }),
      { wrapper, initialProps: { user: 'ada' } },
    )
    await settled()
    expect(result.current.currentRunId).toBe('A')
    await act(() => client.trigger(importCsv, {}, { runId: 'C', labels: { user: 'bob' } }))
    await settled()
    expect(result.current.currentRunId).toBe('A')
    rerender({ user: 'bob' })
    await settled()
    expect(result.current.currentRunId).toBe('C')
  })

  test('options written anew at each render change nothing', async () => {
    const { result, rerender } = renderHook(
      () => useJob(importCsv, { scope: { labels: { a: '1' } }, triggerOptions: { labels: {} } }),
      { wrapper },
    )
    await settled()
    const opened = engine.subscriptions.length
    const before = result.current
    rerender()
    rerender()
    expect(result.current).toBe(before)
    expect(engine.subscriptions.length).toBe(opened)
  })

  test('trigger options are defaults, and those of the call win', async () => {
    const options = { triggerOptions: { concurrencyKey: 'k', labels: { by: 'hook' } } }
    const { result } = renderHook(() => useJob(importCsv, options), { wrapper })
    await act(() => result.current.trigger({}, { runId: 'A' }))
    await act(() => result.current.trigger({}, { runId: 'B', concurrencyKey: 'l', labels: {} }))
    expect(callsOf('trigger').map(({ params }) => params)).toMatchObject([
      { runId: 'A', concurrencyKey: 'k', labels: { by: 'hook' } },
      { runId: 'B', concurrencyKey: 'l', labels: {} },
    ])
  })
})

describe('useJobRun', () => {
  function watch(initial: string | null) {
    const heard: string[] = []
    const say = (name: string) => () => heard.push(name)
    const hook = renderHook(
      ({ runId }: Pick<UseJobRunOptions, 'runId'>) =>
        useJobRun<{ rows: number }>({
          runId,
          onStart: say('start'),
          onComplete: say('complete'),
          onFail: say('fail'),
          onCancel: say('cancel'),
        }),
      { wrapper, initialProps: { runId: initial } },
    )
    return { ...hook, heard }
  }

  test('watches nothing without an id', async () => {
    const { result, heard } = watch(null)
    await settled()
    expect(result.current).toMatchObject({ status: null, isActive: false, logs: [] })
    expect(heard).toEqual([])
  })

  test('tells each state once, in StrictMode too', async () => {
    await runs(1)
    const { result, heard } = watch('R00')
    await settled()
    act(() => engine.lease('R00'))
    act(() => engine.complete('R00', { rows: 3 }))
    await settled()
    expect(result.current).toMatchObject({ isCompleted: true, output: { rows: 3 } })
    expect(heard).toEqual(['start', 'complete'])
  })

  test('shows a finished run as finished, and never as pending', async () => {
    await runs(1)
    engine.fail('R00', 'no', 'ValueError')
    const { result, heard } = watch('R00')
    await settled()
    expect(result.current).toMatchObject({ isFailed: true, error: 'no', errorType: 'ValueError' })
    expect(heard).toEqual(['fail'])
  })

  test('another id is another run, with its own turns', async () => {
    await runs(2)
    const { result, rerender, heard } = watch('R00')
    await settled()
    await act(() => client.cancel('R00'))
    rerender({ runId: 'R01' })
    await settled()
    expect(result.current.status).toBe('pending')
    expect(heard).toEqual(['start', 'cancel', 'start'])
  })

  test('a run that does not exist says so', async () => {
    const { result } = watch('none')
    await settled()
    expect(result.current.subscriptionError?.code).toBe('not_found')
  })
})

describe('useJobLogs', () => {
  test('keeps the newest, and can be cleared', async () => {
    await runs(1)
    const { result } = renderHook(() => useJobLogs({ runId: 'R00', maxLogs: 2 }), { wrapper })
    await settled()
    for (const line of ['one', 'two', 'three']) engine.log('R00', line)
    await settled()
    expect(result.current.logs.map(({ message }) => message)).toEqual(['two', 'three'])
    act(() => result.current.clearLogs())
    expect(result.current.logs).toEqual([])
    engine.log('R00', 'four')
    await settled()
    expect(result.current.logs.map(({ message }) => message)).toEqual(['four'])
  })
})

describe('useRuns', () => {
  const watch = (options: RunsOptions = {}) =>
    renderHook((props: RunsOptions) => useRuns(props), { wrapper, initialProps: options })
  const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id)

  test('pages through runs, newest first', async () => {
    await runs(5)
    const { result } = watch({ pageSize: 2 })
    expect(result.current).toMatchObject({ runs: [], isLoading: true, page: 0 })
    await settled()
    expect(ids(result.current.runs)).toEqual(['R04', 'R03'])
    expect(result.current).toMatchObject({ hasMore: true, isLoading: false })
    act(() => result.current.nextPage())
    // The page before stays until the next is there.
    expect(result.current).toMatchObject({ page: 0, isLoading: true })
    await settled()
    act(() => result.current.nextPage())
    await settled()
    expect(ids(result.current.runs)).toEqual(['R00'])
    expect(result.current).toMatchObject({ page: 2, hasMore: false })
    act(() => result.current.nextPage())
    act(() => result.current.goToPage(-7))
    await settled()
    expect(result.current.page).toBe(0)
  })

  test('is live on each page', async () => {
    await runs(4)
    const { result } = watch({ pageSize: 2 })
    await settled()
    act(() => result.current.nextPage())
    await settled()
    engine.lease('R00')
    engine.progress('R00', { current: 3 })
    await gathered()
    expect(result.current.runs[1]).toMatchObject({ status: 'leased', progress: { current: 3 } })
    engine.step('R00', 'a')
    await settled()
    expect(result.current.runs[1]).toMatchObject({ currentStepIndex: 1 })
    await act(() => client.trigger(importCsv, {}, { runId: 'R99' }))
    await gathered()
    expect(ids(result.current.runs)).toEqual(['R02', 'R01'])
  })

  test('a burst of events is a few requests', async () => {
    await runs(30)
    watch()
    await settled()
    const before = callsOf('getRuns').length
    for (let n = 0; n < 30; n += 1) engine.lease(`R${String(n).padStart(2, '0')}`)
    await gathered()
    expect(callsOf('getRuns').length - before).toBeLessThanOrEqual(2)
    expect(callsOf('getRuns').length).toBeGreaterThan(before)
  })

  test('filters, and another filter begins at the first page', async () => {
    await runs(3, { team: 'a' })
    await client.trigger('report', {}, { runId: 'X', labels: { team: 'b' } })
    const { result, rerender } = watch({ labels: { team: 'a' }, pageSize: 2 })
    await settled()
    act(() => result.current.nextPage())
    await settled()
    expect(ids(result.current.runs)).toEqual(['R00'])
    rerender({ jobName: ['report'], status: ['pending'], pageSize: 2 })
    await settled()
    expect(result.current.page).toBe(0)
    expect(ids(result.current.runs)).toEqual(['X'])
  })

  test('what changed while another engine took over is found', async () => {
    await runs(1)
    const { result } = watch()
    await settled()
    await act(() => engine.unheard(() => engine.complete('R00', { rows: 1 })))
    await gathered()
    expect(result.current.runs[0]?.status).toBe('completed')
  })

  test('says why it has no runs, and has them the next time', async () => {
    engine.failNext('getRuns', new DurablyError('storage_io', 'the disk is gone'))
    const { result } = watch({ realtime: false })
    await settled()
    expect(result.current).toMatchObject({ isLoading: false, error: { code: 'storage_io' } })
    await act(() => result.current.refresh())
    expect(result.current).toMatchObject({ isLoading: false, error: null })
  })

  test('without realtime nothing is followed', async () => {
    watch({ realtime: false })
    await settled()
    expect(engine.subscriptions).toEqual([])
  })

  test('refuses a page size that no engine answers', () => {
    const attempt = () => watch({ pageSize: 1000 })
    expect(attempt).toThrow('pageSize must be a whole number from 1 to 999')
    complaints.mockClear()
  })
})

describe('useRunActions', () => {
  test('acts, and keeps its identity', async () => {
    await runs(1)
    const { result, rerender } = renderHook(() => useRunActions(), { wrapper })
    const before = result.current
    await act(() => result.current.cancel('R00'))
    expect(await result.current.getRun('R00')).toMatchObject({ status: 'cancelled' })
    await act(() => result.current.resume('R00'))
    await act(() => result.current.cancel('R00'))
    const again = await result.current.retrigger('R00')
    expect(await result.current.getRun(again)).toMatchObject({ status: 'pending' })
    expect(await result.current.getSteps('R00')).toEqual([])
    await act(() => result.current.deleteRun('R00'))
    expect(await result.current.getRun('R00')).toBeNull()
    await expect(result.current.cancel('none')).rejects.toMatchObject({ code: 'not_found' })
    rerender()
    expect(result.current).toBe(before)
  })
})

describe('useQuery', () => {
  test('asks once for one input, whatever object it comes in', async () => {
    const { result, rerender } = renderHook(({ page }) => useQuery(rows, { page }), {
      wrapper,
      initialProps: { page: 1 },
    })
    expect(result.current).toMatchObject({ data: null, isLoading: true, isFetching: true })
    await settled()
    const asked = callsOf('query').length
    rerender({ page: 1 })
    await settled()
    expect(callsOf('query').length).toBe(asked)
    expect(result.current).toMatchObject({ data: { name: 'rows', input: { page: 1 } } })
    rerender({ page: 2 })
    // The answer before stays while the next is asked for.
    expect(result.current).toMatchObject({ data: { input: { page: 1 } }, isFetching: true })
    expect(result.current.isLoading).toBe(false)
    await settled()
    expect(result.current).toMatchObject({ data: { input: { page: 2 } }, isFetching: false })
  })

  test('asks again when the run that it names changes', async () => {
    await runs(1)
    renderHook(() => useQuery(rows, { page: 1 }, { refetchOn: { runId: 'R00' } }), { wrapper })
    await settled()
    const before = callsOf('query').length
    engine.progress('R00', { current: 1 })
    await gathered()
    expect(callsOf('query').length).toBe(before)
    engine.step('R00', 'a')
    await gathered()
    expect(callsOf('query').length).toBe(before + 1)
    engine.complete('R00')
    await gathered()
    expect(callsOf('query').length).toBe(before + 2)
  })

  test('asks again when a run of the job that it names changes', async () => {
    const options = { refetchOn: { jobName: 'import-csv' } }
    renderHook(() => useQuery('rows', { page: 1 }, options), { wrapper })
    await settled()
    const before = callsOf('query').length
    await runs(1)
    engine.complete('R00')
    await gathered()
    expect(callsOf('query').length).toBeGreaterThan(before)
  })

  test('that is not enabled asks nothing', async () => {
    const { result } = renderHook(() => useQuery(rows, { page: 1 }, { enabled: false }), {
      wrapper,
    })
    await settled()
    expect(callsOf('query')).toEqual([])
    expect(result.current).toMatchObject({ data: null, isLoading: false, isFetching: false })
  })

  test('says why there is no answer', async () => {
    engine.failNext('query', new DurablyError('internal', 'broken'))
    const { result } = renderHook(() => useQuery(rows, { page: 1 }), { wrapper })
    await settled()
    expect(result.current).toMatchObject({ error: { code: 'internal' }, isLoading: false })
    await act(() => result.current.refetch())
    expect(result.current).toMatchObject({ error: null, data: { name: 'rows' } })
  })
})

describe('createDurably', () => {
  test('has the hooks of each job under its name', async () => {
    const durably = createDurably({ jobs: { importCsv, rows } })
    const { result } = renderHook(
      () => {
        const job = durably.importCsv.useJob()
        const run = durably.importCsv.useRun(job.currentRunId)
        const { logs } = durably.importCsv.useLogs(job.currentRunId)
        const { runs } = durably.importCsv.useRuns({ realtime: true })
        const { data } = durably.rows.useQuery({ page: 1 })
        return { job, run, logs, runs, data }
      },
      { wrapper },
    )
    await act(() => result.current.job.trigger({}, { runId: 'A' }))
    engine.log('A', 'hello')
    engine.complete('A', { rows: 2 })
    await gathered()
    expect(result.current).toMatchObject({
      run: { isCompleted: true, output: { rows: 2 } },
      logs: [{ message: 'hello' }],
      runs: [{ id: 'A', status: 'completed' }],
      data: { name: 'rows' },
    })
    expect(durably.importCsv).toBe(durably.importCsv)
  })

  test('without references a key names its job as Python would', async () => {
    const durably = createDurably<{ importCsv: typeof importCsv }>()
    const { result } = renderHook(() => durably.importCsv.useJob(), { wrapper })
    await act(() => result.current.trigger({}, { runId: 'A' }))
    expect(engine.run('A').jobName).toBe('import-csv')
  })

  test('refuses a job that has the name of a hook', () => {
    expect(() => createDurably({ jobs: { useRuns: importCsv } })).toThrow(
      expect.objectContaining({ code: 'validation' }),
    )
  })
})

test('a progress event renders only who shows it', async () => {
  await runs(1)
  engine.lease('R00')
  const renders = { run: 0, logs: 0, actions: 0, query: 0 }
  renderHook(
    () => {
      renders.run += 1
      return useJobRun({ runId: 'R00' })
    },
    { wrapper },
  )
  renderHook(
    () => {
      renders.logs += 1
      return useJobLogs({ runId: 'R00' })
    },
    { wrapper },
  )
  renderHook(
    () => {
      renders.actions += 1
      return useRunActions()
    },
    { wrapper },
  )
  renderHook(
    () => {
      renders.query += 1
      return useQuery(rows, { page: 1 }, { refetchOn: { runId: 'R00' } })
    },
    { wrapper },
  )
  await settled()
  const before = { ...renders }
  engine.progress('R00', { current: 1 })
  await settled()
  engine.progress('R00', { current: 2 })
  await gathered()
  expect(renders.run).toBeGreaterThan(before.run)
  expect({ ...renders, run: 0 }).toEqual({ ...before, run: 0 })
})

test('who leaves in the middle is told nothing more', async () => {
  await runs(1)
  const hook = renderHook(
    () => [useRuns(), useQuery(rows, { page: 1 }), useJobRun({ runId: 'R00' })],
    { wrapper },
  )
  hook.unmount()
  engine.complete('R00')
  await gathered()
  expect(engine.subscriptions).toEqual([])
})
