/** Steps as spans of time. */

import { expect, test } from 'vitest'
import type { StepAttempt, StepRecord } from '../../../web/core/index'
import { findBlobs } from '../../../web/inspector/run/find-blobs'
import { timeLineOf } from '../../../web/inspector/run/time-line'
import { runOf } from '../support/runs'

const START = Date.parse('2026-01-01T00:00:00.000Z')
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString()

const step = (name: string, from: number, to: number): StepRecord => ({
  ...{ id: name, runId: 'A', name, index: 0, status: 'completed', output: null },
  ...{ error: null, errorType: null, errorTrace: null },
  startedAt: at(from),
  completedAt: at(to),
})

const attempt = (number: number, changes: Partial<StepAttempt>): StepAttempt => ({
  ...{ id: `${number}`, runId: 'A', stepName: 'fetch', number, status: 'failed', error: 'no' },
  ...{ startedAt: at(0), completedAt: null, retryAt: null },
  ...changes,
})

const active = runOf({ status: 'leased', startedAt: at(0) })
const nothing = { steps: [], attempts: [], running: [] }

test('a run that goes on reaches to now', () => {
  const line = timeLineOf(
    {
      ...nothing,
      run: active,
      steps: [step('read', 1, 3)],
      running: [{ name: 'write', index: 1, startedAt: at(4) }],
    },
    START + 10_000,
  )
  expect(line).toMatchObject({ from: START, to: START + 10_000 })
  expect(line.lines.map(({ name, status }) => [name, status])).toEqual([
    ['read', 'completed'],
    ['write', 'running'],
  ])
  expect(line.lines[1]?.spans).toMatchObject([{ from: START + 4_000, to: START + 10_000 }])
})

test('attempts have waits between them, and the last one is waited for', () => {
  const attempts = [
    attempt(1, { startedAt: at(0), completedAt: at(1), retryAt: at(3) }),
    attempt(2, { startedAt: at(3), completedAt: at(4), retryAt: at(8) }),
  ]
  const line = timeLineOf({ ...nothing, run: active, attempts }, START + 5_000)
  expect(line.lines).toMatchObject([{ name: 'fetch', attempts: 2, status: 'waiting' }])
  const spans = line.lines[0]?.spans.map(({ kind, from, to }) => [kind, from - START, to - START])
  expect(spans).toEqual([
    ['failed', 0, 1_000],
    ['waiting', 1_000, 3_000],
    ['failed', 3_000, 4_000],
    ['waiting', 4_000, 8_000],
  ])
})

test('an attempt that was interrupted does not run for ever', () => {
  const run = runOf({ status: 'cancelled', isTerminal: true, isActive: false, startedAt: at(0) })
  const line = timeLineOf(
    { ...nothing, run, attempts: [attempt(1, { status: 'running' })] },
    START + 99_000,
  )
  expect(line.lines[0]?.spans).toMatchObject([{ kind: 'cancelled', from: START, to: START }])
})

test('files are found wherever they are, each once', () => {
  const file = (letter: string, name: string) => ({
    ...{ sha256: letter.repeat(64), size: 3, name, mediaType: 'text/plain' },
  })
  const found = findBlobs({ a: [file('a', 'one'), { b: file('b', 'two') }] }, file('a', 'again'))
  expect(found.map(({ name }) => name)).toEqual(['one', 'two'])
  expect(findBlobs({ sha256: 'short', size: 1 }, null)).toEqual([])
})
