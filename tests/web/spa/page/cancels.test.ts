/** Both ends of the memory by which a page stops Python, and what decides when it is used. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { InterruptReceiver, InterruptSender, tokenOf } from '../../../../web/spa/bridge/interrupts'
import { Canceller, Stopper } from '../../../../web/spa/page/cancels'

const RUN = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const OTHER = '01BX5ZZKBKACTAV9WEVGEMMVRZ'

describe('the shared memory', () => {
  test('carries the signal and the runs that are meant to the worker', () => {
    const sender = new InterruptSender()
    const receiver = new InterruptReceiver(sender.memory)
    expect([receiver.signal[0], receiver.requested()]).toEqual([0, ''])

    sender.send([RUN, OTHER])

    expect([receiver.signal[0], receiver.requested()]).toEqual([2, `${RUN}\n${OTHER}`])
  })

  test('carries the run whose code executes to the page', () => {
    const sender = new InterruptSender()
    const receiver = new InterruptReceiver(sender.memory)
    expect(sender.running([RUN])).toBeNull()

    receiver.mark(tokenOf(OTHER))

    expect(sender.running([RUN])).toBe('another')
    expect(sender.running([RUN, OTHER])).toBe(OTHER)
  })

  test('takes more runs than fit without harm', () => {
    const sender = new InterruptSender()
    const receiver = new InterruptReceiver(sender.memory)

    sender.send(Array.from({ length: 100 }, () => RUN))

    expect(receiver.requested().startsWith(`${RUN}\n${RUN}\n`)).toBe(true)
  })

  test('a token is the same number in Python', () => {
    // tests/py/engine/test_interrupts.py expects the same.
    expect(tokenOf(RUN)).toBe(0x5c004d80)
  })
})

describe('a cancel', () => {
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('crossOriginIsolated', true)
  })

  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  /** A worker that takes interrupts, and answers nothing by itself. */
  function hold() {
    const hangs: (readonly string[])[] = []
    const stopper = new Stopper((runIds) => {
      hangs.push(runIds)
      canceller.close()
    })
    const canceller = new Canceller((unanswered) => stopper.stop(unanswered))
    const receiver = stopper.memory && new InterruptReceiver(stopper.memory)
    return { canceller, receiver, hangs }
  }

  test('that is answered at once interrupts nothing', async () => {
    const { canceller, receiver, hangs } = hold()

    canceller.asked(1, RUN)
    await vi.advanceTimersByTimeAsync(20)
    canceller.answered(1)
    await vi.advanceTimersByTimeAsync(20_000)

    expect(receiver?.signal[0]).toBe(0)
    expect(hangs).toEqual([])
  })

  test('that is not answered interrupts until it is', async () => {
    const { canceller, receiver } = hold()
    if (!receiver) throw new Error('the page shares no memory')
    canceller.asked(1, RUN)

    await vi.advanceTimersByTimeAsync(50)
    expect([receiver.signal[0], receiver.requested()]).toEqual([2, RUN])
    receiver.signal[0] = 0
    await vi.advanceTimersByTimeAsync(50)
    expect(receiver.signal[0]).toBe(2)
    receiver.signal[0] = 0
    canceller.answered(1)
    await vi.advanceTimersByTimeAsync(200)

    expect(receiver.signal[0]).toBe(0)
  })

  test('whose code heeds no interrupt ends the worker after a while', async () => {
    const { canceller, receiver, hangs } = hold()
    receiver?.mark(tokenOf(RUN))
    canceller.asked(1, RUN)

    await vi.advanceTimersByTimeAsync(1_500)
    expect(hangs).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)

    expect(hangs).toEqual([[RUN]])
  })

  test('law 3: never ends the worker under the step of a run that nobody cancels', async () => {
    const { canceller, receiver, hangs } = hold()
    receiver?.mark(tokenOf(OTHER))
    canceller.asked(1, RUN)

    await vi.advanceTimersByTimeAsync(60_000)

    expect(hangs).toEqual([])
  })

  test('without isolation ends a worker that does not answer', async () => {
    vi.stubGlobal('crossOriginIsolated', false)
    const { canceller, receiver, hangs } = hold()
    expect(receiver).toBeNull()
    canceller.asked(1, RUN)

    await vi.advanceTimersByTimeAsync(3_000)

    expect(hangs).toEqual([[RUN]])
  })
})
