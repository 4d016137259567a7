import { beforeEach, describe, expect, test } from 'vitest'
import { DurablyClient } from '../../../web/core/client'
import { DurablyError } from '../../../web/core/errors'
import { defineJobRef } from '../../../web/core/job-ref'
import type { Transport } from '../../../web/core/transport'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

let engine: FakeEngine
let transport: Transport
let client: DurablyClient

beforeEach(() => {
  engine = new FakeEngine()
  transport = engine.connect()
  client = new DurablyClient(transport)
})

const lastCall = () => engine.calls.at(-1)

describe('trigger', () => {
  test("sends the job's name, input, options and a new ULID", async () => {
    const options = { idempotencyKey: 'k', concurrencyKey: 'c', labels: { team: 'a' } }
    const answer = await client.trigger('import-csv', { n: 1 }, { ...options, coalesce: 'skip' })

    expect(answer).toEqual({ runId: expect.stringMatching(ULID), disposition: 'created' })
    expect(lastCall()).toEqual({
      op: 'trigger',
      params: {
        ...options,
        coalesce: 'skip',
        jobName: 'import-csv',
        input: { n: 1 },
        runId: answer.runId,
      },
    })
  })

  test('makes ids that rise, also within a millisecond', async () => {
    const ids: string[] = []
    for (let n = 0; n < 20; n += 1) ids.push((await client.trigger('report', {})).runId)

    expect(ids).toEqual([...ids].sort())
    expect(new Set(ids).size).toBe(20)
  })

  test('law 8: repeated with the same id after a lost answer, it is one run', async () => {
    engine.failNext('trigger', new DurablyError('worker_crashed', 'the worker ended'), 'after')
    const runId = '01JD0000000000000000000000'

    await expect(client.trigger('report', {}, { runId })).rejects.toMatchObject({
      code: 'worker_crashed',
    })
    expect(await client.trigger('report', {}, { runId })).toMatchObject({ runId })
    expect(await client.getRuns()).toHaveLength(1)
  })

  test('takes a job reference for a name', async () => {
    await client.trigger(defineJobRef<'report', { n: number }, null>('report'), { n: 1 })

    expect(lastCall()?.params).toMatchObject({ jobName: 'report', input: { n: 1 } })
  })

  test('stores a file of the input first and sends its reference', async () => {
    const { runId } = await client.trigger('import-csv', { file: new File(['a,b'], 'rows.csv') })

    expect((await client.getRun(runId))?.input).toEqual({
      file: {
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        size: 3,
        name: 'rows.csv',
        mediaType: '',
      },
    })
  })

  test('passes the refusal of the engine on', async () => {
    await expect(client.trigger('no-such-job', {})).rejects.toMatchObject({ code: 'unknown_job' })
  })
})

describe('batchTrigger', () => {
  test('sends all runs in one call, each with its id', async () => {
    const answers = await client.batchTrigger('report', [
      { input: { n: 1 } },
      { input: { n: 2 }, labels: { a: 'b' }, runId: 'B' },
    ])

    expect(answers.map(({ runId }) => runId)).toEqual([expect.stringMatching(ULID), 'B'])
    expect(engine.calls).toHaveLength(1)
    expect(engine.run('B')).toMatchObject({ input: { n: 2 }, labels: { a: 'b' } })
  })

  test('of nothing asks nobody', async () => {
    expect(await client.batchTrigger('report', [])).toEqual([])
    expect(engine.calls).toEqual([])
  })
})

describe('triggerAndWait', () => {
  test('resolves with the output of the completed run, and tells of the run before', async () => {
    const stored: unknown[] = []
    const onTrigger = (answer: unknown): number => stored.push(answer)
    const outcome = client.triggerAndWait('report', {}, { runId: 'A', onTrigger })
    await settle()
    expect(stored).toEqual([{ runId: 'A', disposition: 'created' }])
    engine.lease('A')
    engine.complete('A', { rows: 3 })

    expect(await outcome).toEqual({ runId: 'A', disposition: 'created', output: { rows: 3 } })
  })

  test('is settled by a run without an output', async () => {
    const outcome = client.triggerAndWait('report', {}, { runId: 'A' })
    await settle()
    engine.complete('A')

    expect(await outcome).toEqual({ runId: 'A', disposition: 'created', output: null })
  })

  test('rejects when the run fails', async () => {
    const outcome = client.triggerAndWait('report', {}, { runId: 'A' })
    await settle()
    engine.fail('A', 'bad row')

    await expect(outcome).rejects.toMatchObject({ code: 'run_failed' })
  })
})

describe('runs', () => {
  test('are found by filter, newest first', async () => {
    for (const runId of ['A', 'B']) await client.trigger('report', {}, { runId })
    await client.trigger('import-csv', {}, { runId: 'C' })

    const runs = await client.getRuns({ jobName: 'report', limit: 5 })

    expect(runs.map(({ id }) => id)).toEqual(['B', 'A'])
    expect(await client.getRun('missing')).toBeNull()
  })

  test('are cancelled, retriggered under a new ULID, resumed and deleted', async () => {
    await client.trigger('report', { n: 1 }, { runId: 'A' })

    await client.cancel('A')
    const { runId } = await client.retrigger('A')
    expect(runId).toMatch(ULID)
    expect(engine.run(runId)).toMatchObject({ status: 'pending', input: { n: 1 } })

    await client.resume('A')
    expect(engine.run('A').status).toBe('pending')

    await client.cancel('A')
    await client.deleteRun('A')
    expect(await client.getRun('A')).toBeNull()
  })

  test('have their steps and logs', async () => {
    await client.trigger('report', {}, { runId: 'A' })
    engine.step('A', 'read', 3)
    engine.log('A', 'begun')

    expect(await client.getSteps('A')).toMatchObject([{ name: 'read', output: 3 }])
    expect(await client.getLogs('A')).toMatchObject([{ message: 'begun' }])
  })

  test('are purged by a date or an ISO time', async () => {
    expect(await client.purgeRuns(new Date(0), 10)).toBe(0)
    expect(lastCall()?.params).toEqual({ olderThan: '1970-01-01T00:00:00.000Z', limit: 10 })

    await client.purgeRuns('2026-01-01T00:00:00Z')
    expect(lastCall()?.params).toEqual({ olderThan: '2026-01-01T00:00:00Z' })
  })
})

describe('the engine', () => {
  test('answers queries, and an aborted one is aborted', async () => {
    expect(await client.query('rows', { offset: 50 })).toEqual({
      name: 'rows',
      input: { offset: 50 },
    })
    await expect(client.query('rows', {}, AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    })
  })

  test('names its jobs and tells how it is', async () => {
    expect((await client.jobs()).map(({ name }) => name)).toEqual(['import-csv', 'report'])
    expect(await client.health()).toMatchObject({ state: 'ok', fault: null })
  })

  test('is let go of once', async () => {
    await client.close()

    await expect(client.getRuns()).rejects.toMatchObject({ code: 'closed' })
  })
})
