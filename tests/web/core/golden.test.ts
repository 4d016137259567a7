/** Law 11: what Python writes, as the golden files hold it, is what this side's types say. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../../web/core/events'
import { initialRun, reduceRun } from '../../../web/core/reduce-run'
import type { Health, JobInfo } from '../../../web/core/transport'
import type {
  ClientRun,
  LogEntry,
  Schedule,
  StepAttempt,
  StepRecord,
  Wait,
} from '../../../web/core/types'
import { eventOf, eventTypes, logOf, runOf } from '../support/runs'

function golden<Value>(name: string): Value {
  const file = new URL(`../../golden/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as Value
}

const keysOf = (value: object): readonly string[] => Object.keys(value).toSorted()

const step: StepRecord = {
  ...{ id: '', runId: '', name: '', index: 0, status: 'completed', output: null },
  ...{ error: null, errorType: null, errorTrace: null, startedAt: '', completedAt: null },
}
const attempt: StepAttempt = {
  ...{ id: '', runId: '', stepName: '', number: 1, status: 'running', error: null },
  ...{ startedAt: '', completedAt: null, retryAt: null },
}
const wait: Wait = {
  ...{ id: '', runId: '', name: '', kind: 'signal', status: 'pending', outcome: null },
  ...{ metadata: null, topic: null, key: null, childId: null, payload: null, signalId: null },
  ...{ createdAt: '', deadlineAt: null, suspendedAt: null, resolvedAt: null },
  ...{ firstResumedAt: null, inputWaitMs: null, executionSlotWaitMs: null },
}
const schedule: Schedule = {
  ...{ name: '', jobName: '', spec: '', nextAt: null, lastAt: null, isPaused: false },
}
const job: JobInfo = { name: '', input: {}, output: {} }
const health: Required<Omit<Health, 'storage'>> = {
  ...{ state: 'ok', fault: null, workerId: '', activeRuns: [], parkedJobs: [] },
}

describe('the fields of', () => {
  test.each<readonly [string, object, readonly object[]]>([
    ['a run', runOf(), Object.values(golden<Record<string, ClientRun>>('runs'))],
    ['a step', step, golden<StepRecord[]>('steps')],
    ['an attempt', attempt, golden<StepAttempt[]>('attempts')],
    ['a wait', wait, golden<Wait[]>('waits')],
    ['a schedule', schedule, golden<Schedule[]>('schedules')],
    ['a log line', logOf('L'), golden<LogEntry[]>('logs')],
    ['a job', job, golden<JobInfo[]>('jobs')],
    ['health', health, Object.values(golden<Record<string, Health>>('health'))],
  ])('%s', (_, sample, written) => {
    expect(written.length).toBeGreaterThan(0)
    for (const one of written) expect(keysOf(one)).toEqual(keysOf(sample))
  })
})

describe('events', () => {
  const written = Object.values(golden<Record<string, RunEvent>>('events'))

  test('every type is known on both sides', () => {
    expect(written.map(({ type }) => type).toSorted()).toEqual(eventTypes.toSorted())
  })

  test.each(eventTypes)('the fields of %s', (type) => {
    const sample = keysOf(eventOf(type, 1))

    for (const one of written.filter((event) => event.type === type)) {
      // Python leaves out a run that a fault does not belong to.
      expect(keysOf({ ...eventOf(type, 1), ...one })).toEqual(sample)
    }
  })

  test('a run is followed through them, to its end and its removal', () => {
    const end = written.findIndex(({ type }) => type === 'run:complete')
    const runId = written[0]?.runId ?? null
    const ended = written.slice(0, end + 1).reduce(reduceRun, initialRun(runId))

    expect(ended).toMatchObject({ isCompleted: true, progress: { current: 1 } })
    expect(written.reduce(reduceRun, initialRun(runId))).toMatchObject({ isDeleted: true })
  })
})
