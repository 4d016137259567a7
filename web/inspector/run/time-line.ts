/** Steps, attempts and waits as spans of time. Pure: the clock is given. */

import type { ClientRun, StepAttempt, StepRecord } from '../../core/index'
import type { RunningStep } from './run-details'

export type SpanKind = 'completed' | 'failed' | 'cancelled' | 'timed_out' | 'running' | 'waiting'

export interface Span {
  readonly kind: SpanKind
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  readonly text: string
}

export interface StepLine {
  readonly key: string
  readonly name: string
  readonly status: SpanKind
  readonly spans: readonly Span[]
  /** Tries, those that failed included. */
  readonly attempts: number
  readonly step: StepRecord | null
}

export interface TimeLine {
  readonly from: number
  readonly to: number
  readonly lines: readonly StepLine[]
}

/** A step that is saved does not change: of a hundred thousand, only new ones are laid out. */
const laidOut = new WeakMap<StepRecord, StepLine>()

interface Known {
  readonly run: ClientRun
  readonly steps: readonly StepRecord[]
  readonly attempts: readonly StepAttempt[]
  readonly running: readonly RunningStep[]
}

/** Lay out what is known of a run at the time *now*. */
export function timeLineOf({ run, steps, attempts, running }: Known, now: number): TimeLine {
  const tries = new Map<string, StepAttempt[]>()
  for (const attempt of attempts) {
    const known = tries.get(attempt.stepName)
    if (known) known.push(attempt)
    else tries.set(attempt.stepName, [attempt])
  }
  const names = new Set(steps.map(({ name }) => name))
  const isActive = run.isActive
  const lines: StepLine[] = steps.map((step) => {
    const known = tries.get(step.name)
    if (known !== undefined) return lineOf(step.name, step, known, null, isActive, now)
    const line = laidOut.get(step) ?? lineOf(step.name, step, [], null, isActive, now)
    laidOut.set(step, line)
    return line
  })
  for (const { name, startedAt } of running) {
    if (names.has(name)) continue
    names.add(name)
    lines.push(lineOf(name, null, tries.get(name) ?? [], startedAt, isActive, now))
  }
  for (const [name, known] of tries) {
    if (!names.has(name)) lines.push(lineOf(name, null, known, null, isActive, now))
  }
  return { ...extentOf(run, lines, now), lines }
}

function lineOf(
  name: string,
  step: StepRecord | null,
  tries: readonly StepAttempt[],
  startedAt: string | null,
  isActive: boolean,
  now: number,
): StepLine {
  const spans =
    tries.length > 0 ? spansOf(tries, isActive, now) : [onlySpan(step, startedAt, now)].flat()
  return {
    key: step?.id ?? name,
    name,
    status: step?.status ?? spans.at(-1)?.kind ?? 'running',
    spans,
    attempts: Math.max(1, tries.at(-1)?.number ?? 1),
    step,
  }
}

function onlySpan(step: StepRecord | null, startedAt: string | null, now: number): Span | [] {
  if (step !== null) {
    const from = Date.parse(step.startedAt)
    const to = step.completedAt === null ? from : Date.parse(step.completedAt)
    return { kind: step.status, from, to, text: step.status }
  }
  if (startedAt === null) return []
  return { kind: 'running', from: Date.parse(startedAt), to: now, text: 'running' }
}

function spansOf(tries: readonly StepAttempt[], isActive: boolean, now: number): readonly Span[] {
  return tries.flatMap((attempt, at) => {
    const from = Date.parse(attempt.startedAt)
    const isOpen = attempt.completedAt === null
    // Interrupted, an attempt has no end: it is not running when the run isn't.
    const next = tries[at + 1]
    const end = next ? Date.parse(next.startedAt) : isActive ? now : from
    const to = attempt.completedAt === null ? end : Date.parse(attempt.completedAt)
    const kind: SpanKind =
      attempt.status === 'running' && (next || !isActive) ? 'cancelled' : attempt.status
    const why = attempt.error === null ? '' : `: ${attempt.error}`
    const span = { kind, from, to, text: `attempt ${attempt.number}, ${kind}${why}` }
    const wait = isOpen ? null : waitAfter(attempt, next, to, isActive, now)
    return wait === null ? [span] : [span, wait]
  })
}

function waitAfter(
  { retryAt }: StepAttempt,
  next: StepAttempt | undefined,
  from: number,
  isActive: boolean,
  now: number,
): Span | null {
  if (retryAt === null) return null
  const isOver = next !== undefined
  if (!isOver && !isActive) return null
  const to = isOver ? Date.parse(next.startedAt) : Math.max(now, Date.parse(retryAt))
  return to > from ? { kind: 'waiting', from, to, text: 'waits to try again' } : null
}

function extentOf(run: ClientRun, lines: readonly StepLine[], now: number) {
  let from = Date.parse(run.startedAt ?? run.createdAt)
  let to = run.completedAt === null ? (run.isActive ? now : from) : Date.parse(run.completedAt)
  for (const { spans } of lines) {
    for (const span of spans) {
      from = Math.min(from, span.from)
      to = Math.max(to, span.to)
    }
  }
  return { from, to: Math.max(to, from + 1) }
}
