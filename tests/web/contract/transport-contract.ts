/** What every transport owes its client. Bound to each of them by a test file of a few lines. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyError } from '../../../web/core/errors'
import type { Delivered, RunEvent, Subscription } from '../../../web/core/events'
import type { Transport } from '../../../web/core/transport'
import type { Json, Progress } from '../../../web/core/types'

/** What the engine behind the transport is made to do. It knows the jobs `import-csv` and `report`. */
export interface EngineControls {
  lease(runId: string): void | Promise<void>
  progress(runId: string, progress: Progress): void | Promise<void>
  log(runId: string, message: string): void | Promise<void>
  complete(runId: string, output: Json): void | Promise<void>
  fail(runId: string, error: string, errorType: string): void | Promise<void>
}

export interface TransportBinding {
  readonly name: string
  /** A transport that is ready for calls, over an engine without runs. */
  create(): Promise<{ readonly transport: Transport; readonly engine: EngineControls }>
}

// Run ids are ULIDs, and an engine holds its clients to that.
const A = '01JD000000000000000000000A'
const B = '01JD000000000000000000000B'
const C = '01JD000000000000000000000C'
const R = '01JD000000000000000000000R'

/** Everything one subscription was told. */
function listen<S extends Subscription>(transport: Transport, subscription: S) {
  const messages: Delivered<S>[] = []
  const ends: (DurablyError | null)[] = []
  const stop = transport.subscribe(
    subscription,
    (message) => messages.push(message),
    (error) => ends.push(error),
  )
  const types = (): readonly string[] => messages.map(({ type }) => type)
  return { messages, ends, stop, types }
}

const thrownBy = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** Run the contract over the transports that *binding* makes. */
export function transportContract(binding: TransportBinding): void {
  describe(`transport contract: ${binding.name}`, () => {
    let transport: Transport
    let engine: EngineControls
    const trigger = (runId: string, jobName = 'import-csv', input: Json = {}) =>
      transport.call('trigger', { jobName, input, runId })

    beforeEach(async () => {
      const created = await binding.create()
      transport = created.transport
      engine = created.engine
    })

    afterEach(() => transport.close())

    describe('call', () => {
      test('JSON passes unchanged in both directions', async () => {
        const input = {
          text: 'Zoë "quoted",\n語 🎈',
          list: [1, 2.5, -0.001, null, true],
          deep: { a: {} },
        }
        await trigger(A, 'import-csv', input)

        expect((await transport.call('getRun', { runId: A }))?.input).toEqual(input)
      })

      test('what an app keeps in a proxy passes as what it holds', async () => {
        const held = new Proxy({ status: ['pending'] as const }, {})
        await trigger(A, 'import-csv', new Proxy({ text: 'Zoë' }, {}))

        expect(await transport.call('getRuns', held)).toMatchObject([
          { id: A, input: { text: 'Zoë' } },
        ])
        const heard = listen(transport, new Proxy({ jobName: 'import-csv' }, {}))
        await vi.waitFor(() => expect(heard.types()).toEqual(['snapshot']))
      })

      test('law 8: a trigger that is repeated with its id is the same run', async () => {
        const first = await trigger(A)
        const second = await trigger(A)

        expect([first.runId, second.runId]).toEqual([A, A])
        expect(await transport.call('getRuns', {})).toHaveLength(1)
      })

      test("an engine's refusal arrives as a DurablyError with its code", async () => {
        const error = await thrownBy(trigger(A, 'no-such-job'))

        expect(error).toBeInstanceOf(DurablyError)
        expect(error).toMatchObject({
          code: 'unknown_job',
          message: expect.stringContaining('no-such-job'),
        })
      })

      test('answers find their calls when many are under way', async () => {
        await Promise.all([A, B, C].map((runId) => trigger(runId)))

        const runs = await Promise.all(
          [C, 'missing', A, B].map((runId) => transport.call('getRun', { runId })),
        )

        expect(runs.map((run) => run?.id ?? null)).toEqual([C, null, A, B])
      })

      test('an aborted signal rejects with aborted', async () => {
        const controller = new AbortController()
        const call = transport.call('query', { name: 'rows', input: {} }, controller.signal)
        controller.abort()

        expect(await thrownBy(call)).toMatchObject({ code: 'aborted' })
      })
    })

    describe('subscribe to one run', () => {
      test('a snapshot comes first, then the events in order, then the end', async () => {
        await trigger(A)
        const heard = listen(transport, { runId: A })
        await vi.waitFor(() => expect(heard.types()).toEqual(['snapshot']))

        await engine.lease(A)
        await engine.progress(A, { current: 1, total: 2 })
        await engine.log(A, 'half')
        await engine.complete(A, { rows: 2 })

        await vi.waitFor(() => expect(heard.ends).toEqual([null]))
        expect(heard.types()).toEqual([
          'snapshot',
          'run:leased',
          'run:progress',
          'log:write',
          'run:complete',
        ])
        const numbers = heard.messages.flatMap((message) =>
          message.type === 'snapshot' ? [] : [message.sequence],
        )
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      })

      test('events of some types, when it asks for these, and always the end', async () => {
        await trigger(A)
        const heard = listen(transport, { runId: A, types: ['run:progress'] })
        await vi.waitFor(() => expect(heard.types()).toEqual(['snapshot']))

        await engine.lease(A)
        await engine.progress(A, { current: 1, total: 2 })
        await engine.log(A, 'half')
        await engine.complete(A, { rows: 2 })

        await vi.waitFor(() => expect(heard.ends).toEqual([null]))
        expect(heard.types()).toEqual(['snapshot', 'run:progress', 'run:complete'])
      })

      test('a late subscriber gets the present state', async () => {
        await trigger(A)
        await engine.lease(A)
        await engine.log(A, 'begun')
        await engine.progress(A, { current: 1, total: 2 })
        const heard = listen(transport, { runId: A })

        await vi.waitFor(() => expect(heard.messages).toHaveLength(1))
        expect(heard.messages[0]).toMatchObject({
          type: 'snapshot',
          run: { id: A, status: 'leased', progress: { current: 1, total: 2 } },
          logs: [{ message: 'begun' }],
        })
      })

      test('an ended run gives its snapshot and the end', async () => {
        await trigger(A)
        await engine.lease(A)
        await engine.fail(A, 'bad row', 'ValueError')
        const heard = listen(transport, { runId: A })

        await vi.waitFor(() => expect(heard.ends).toEqual([null]))
        expect(heard.messages).toMatchObject([
          {
            type: 'snapshot',
            run: { status: 'failed', error: 'bad row', errorType: 'ValueError' },
          },
        ])
      })

      test('an unknown run ends at once with not_found', async () => {
        const heard = listen(transport, { runId: 'missing' })

        await vi.waitFor(() => expect(heard.ends).toMatchObject([{ code: 'not_found' }]))
        expect(heard.ends[0]).toBeInstanceOf(DurablyError)
        expect(heard.messages).toEqual([])
      })

      test('nothing is delivered after unsubscribing', async () => {
        await trigger(A)
        const heard = listen(transport, { runId: A })
        const other = listen(transport, { runId: A })
        await vi.waitFor(() => expect(heard.messages).toHaveLength(1))
        heard.stop()

        await engine.lease(A)
        await engine.complete(A, null)

        await vi.waitFor(() => expect(other.ends).toEqual([null]))
        expect(heard.types()).toEqual(['snapshot'])
        expect(heard.ends).toEqual([])
      })

      test('nothing is delivered before subscribe has returned', async () => {
        await trigger(A)
        let hasReturned = false
        const order: boolean[] = []
        transport.subscribe({ runId: A }, () => order.push(hasReturned))
        hasReturned = true

        await vi.waitFor(() => expect(order).toEqual([true]))
      })
    })

    describe('subscribe to runs', () => {
      test('the snapshot holds the active runs of the job, newest first', async () => {
        for (const runId of [A, B, C]) await trigger(runId)
        await trigger(R, 'report')
        await engine.lease(A)
        await engine.lease(B)
        await engine.complete(B, null)
        const heard = listen(transport, { jobName: 'import-csv' })

        await vi.waitFor(() => expect(heard.messages).toHaveLength(1))
        const [snapshot] = heard.messages
        expect(snapshot?.type === 'snapshot' && snapshot.runs.map(({ id }) => id)).toEqual([C, A])
      })

      test('only events of the job and of the wanted types arrive', async () => {
        const heard = listen(transport, {
          jobName: 'import-csv',
          types: ['run:trigger', 'run:complete'],
        })
        await vi.waitFor(() => expect(heard.messages).toHaveLength(1))

        await trigger(R, 'report')
        await trigger(A)
        await engine.lease(A)
        await engine.progress(A, { current: 1 })
        await engine.complete(A, { n: 1 })

        await vi.waitFor(() =>
          expect(heard.types()).toEqual(['snapshot', 'run:trigger', 'run:complete']),
        )
        const events = heard.messages.filter(
          (message): message is RunEvent => message.type !== 'snapshot',
        )
        expect(events).toMatchObject([{ runId: A }, { runId: A, output: { n: 1 } }])
        expect(heard.ends).toEqual([])
      })
    })

    describe('putBlob', () => {
      test('a file is named by its bytes, so the same bytes are the same blob', async () => {
        const file = new File(['a,b\n1,2\n'], 'rows.csv', { type: 'text/csv' })
        const first = await transport.putBlob(file, file.name)
        const second = await transport.putBlob(new Blob(['a,b\n1,2\n']), 'copy.csv')

        expect(first).toEqual({
          sha256: '492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470',
          size: 8,
          name: 'rows.csv',
          mediaType: 'text/csv',
        })
        expect(second.sha256).toBe(first.sha256)
      })

      test('what was put can be read, and what was not is not found', async () => {
        const { sha256 } = await transport.putBlob(new Blob(['a,b\n1,2\n']), 'rows.csv')

        expect(await (await transport.readBlob(sha256)).text()).toBe('a,b\n1,2\n')
        expect(await thrownBy(transport.readBlob('0'.repeat(64)))).toMatchObject({
          code: 'not_found',
        })
      })
    })

    describe('close', () => {
      test('later calls are refused, and open subscriptions end with closed', async () => {
        await trigger(A)
        const heard = listen(transport, { runId: A })
        await vi.waitFor(() => expect(heard.messages).toHaveLength(1))
        await transport.close()

        expect(await thrownBy(transport.call('getRun', { runId: A }))).toMatchObject({
          code: 'closed',
        })
        await vi.waitFor(() => expect(heard.ends).toMatchObject([{ code: 'closed' }]))
      })

      test('closing twice is closing once', async () => {
        await transport.close()
        await transport.close()
      })
    })
  })
}
