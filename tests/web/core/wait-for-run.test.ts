import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../web/core/client'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'
import { collectUncaught } from '../support/uncaught'

let engine: FakeEngine
let client: DurablyClient

beforeEach(async () => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  await client.trigger('report', {}, { runId: 'A' })
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('the end of the run', () => {
  test('completed resolves with its state', async () => {
    const outcome = client.waitForRun('A')
    await settle()
    engine.complete('A', 3)

    expect(await outcome).toMatchObject({ runId: 'A', isCompleted: true, output: 3 })
  })

  test('before the call counts as well', async () => {
    engine.complete('A', 3)

    expect((await client.waitForRun('A')).output).toBe(3)
  })

  test('failed rejects with what the run says', async () => {
    const outcome = client.waitForRun('A')
    await settle()
    engine.fail('A', 'bad row', 'ValueError')

    await expect(outcome).rejects.toMatchObject({
      code: 'run_failed',
      message: 'run A failed: bad row',
    })
  })

  test('cancelled rejects', async () => {
    const outcome = client.waitForRun('A')
    await client.cancel('A')

    await expect(outcome).rejects.toMatchObject({ code: 'run_cancelled' })
  })

  test.each(['deleted', 'unknown'])('%s rejects with not_found', async (how) => {
    if (how === 'deleted') {
      await client.cancel('A')
      await client.deleteRun('A')
    }

    const runId = how === 'deleted' ? 'A' : 'missing'
    await expect(client.waitForRun(runId)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('the wait ends before the run', () => {
  test('at its timeout, and the run goes on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const outcome = client.waitForRun('A', { timeout: 5000 })
    vi.advanceTimersByTime(5000)

    await expect(outcome).rejects.toMatchObject({ code: 'wait_timeout' })
    expect(engine.run('A').isActive).toBe(true)
  })

  test.each([Number.NaN, -1, -Infinity])('at once when its timeout is %d', async (timeout) => {
    const refused = { code: 'validation', problems: [{ path: ['timeout'] }] }

    await expect(client.waitForRun('A', { timeout })).rejects.toMatchObject(refused)
    expect(engine.subscriptions).toEqual([])
    const triggered = client.triggerAndWait('report', {}, { runId: 'B', timeout })
    await expect(triggered).rejects.toMatchObject(refused)
    expect(await client.getRun('B')).toBeNull()
  })

  test('when its signal aborts, before or while it waits', async () => {
    const controller = new AbortController()
    const outcome = client.waitForRun('A', { signal: controller.signal })
    controller.abort()

    await expect(outcome).rejects.toMatchObject({ code: 'aborted' })
    expect(engine.subscriptions).toEqual([])
    await expect(client.waitForRun('A', { signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    })
  })

  test('with what ended the subscription', async () => {
    const outcome = client.waitForRun('A')
    await settle()
    engine.crash()

    await expect(outcome).rejects.toMatchObject({ code: 'worker_crashed' })
  })

  test('when the client is closed', async () => {
    const outcome = client.waitForRun('A')
    await client.close()

    await expect(outcome).rejects.toMatchObject({ code: 'closed' })
  })

  test('and nothing is left of it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    engine.complete('A')
    await client.waitForRun('A', { timeout: 5000 })

    expect(engine.subscriptions).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31])(
  'a timeout of %d ms is more than a timer can wait, and none is set',
  async (timeout) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const outcome = client.waitForRun('A', { timeout })
    expect(vi.getTimerCount()).toBe(0)
    engine.complete('A', 3)

    expect((await outcome).output).toBe(3)
  },
)

describe('a callback that throws', () => {
  const bug = new Error('bug of the app')
  const fail = (): never => {
    throw bug
  }

  test('on the last message leaves a completed run completed', async () => {
    const uncaught = collectUncaught()
    engine.progress('A', { current: 1 })
    engine.log('A', 'one')
    engine.complete('A', 3)

    const { output } = await client.waitForRun('A', { onProgress: fail, onLog: fail })
    await settle()

    expect(output).toBe(3)
    expect(uncaught).toEqual([bug, bug])
  })

  test('is called with each log line once all the same', async () => {
    const uncaught = collectUncaught()
    const lines: string[] = []
    for (const message of ['one', 'two']) engine.log('A', message)
    const outcome = client.waitForRun('A', {
      onLog: ({ message }) => {
        lines.push(message)
        fail()
      },
    })
    await settle()
    engine.log('A', 'three')
    engine.complete('A')
    await outcome

    expect(lines).toEqual(['one', 'two', 'three'])
    expect(uncaught).toEqual([bug, bug, bug])
  })

  test('when the run is stored does not end the wait', async () => {
    const uncaught = collectUncaught()
    const outcome = client.triggerAndWait('report', {}, { runId: 'B', onTrigger: fail })
    await settle()
    engine.complete('B', 3)

    expect((await outcome).output).toBe(3)
    expect(uncaught).toEqual([bug])
  })
})

test('progress and each log line are reported once', async () => {
  engine.lease('A')
  engine.log('A', 'one')
  const onProgress = vi.fn()
  const lines: string[] = []
  const outcome = client.waitForRun('A', {
    onProgress,
    onLog: (entry) => lines.push(entry.message),
  })
  await settle()
  engine.progress('A', { current: 1 })
  engine.log('A', 'two')
  engine.complete('A')
  await outcome

  expect(lines).toEqual(['one', 'two'])
  expect(onProgress.mock.calls).toEqual([[{ current: 1 }]])
})

test('a run that is released and leased again is waited for', async () => {
  const outcome = client.waitForRun('A')
  engine.lease('A')
  engine.release('A')
  engine.lease('A')
  await settle()
  engine.restart()
  engine.complete('A', 'done')

  expect((await outcome).output).toBe('done')
})
