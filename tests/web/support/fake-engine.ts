/** The engine's answers and events over runs in memory: a fake host for whatever talks to one. */

import { DurablyError } from '../../../web/core/errors'
import type { RunEvent, RunsSubscription, Subscription } from '../../../web/core/events'
import type {
  Health,
  Operation,
  Operations,
  SignalAnswer,
  Transport,
  TriggerAnswer,
  TriggerParams,
} from '../../../web/core/transport'
import type {
  ClientRun,
  Json,
  LogEntry,
  Progress,
  RunStatus,
  Schedule,
  StepRecord,
  Wait,
} from '../../../web/core/types'
import type { EngineControls } from '../contract/transport-contract'
import { type FakeHost, FakeTransport } from './fake-transport'

/** A run's event without what the engine adds to each. */
type Told<Event = RunEvent> = Event extends { readonly jobName: string }
  ? Omit<Event, 'timestamp' | 'sequence' | 'runId' | 'jobName' | 'labels'>
  : never

type Changes = Partial<Omit<ClientRun, 'id' | 'isTerminal' | 'isActive'>>

type Answers = { [Op in Operation]: (params: Operations[Op]['params']) => Operations[Op]['result'] }

const START = Date.parse('2026-01-01T00:00:00.000Z')

export class FakeEngine implements EngineControls, FakeHost {
  readonly #jobs: readonly string[]
  readonly #runs = new Map<string, ClientRun>()
  readonly #logs = new Map<string, LogEntry[]>()
  readonly schedules = new Map<string, Schedule>()
  readonly #waits = new Map<string, Wait>()
  readonly #steps = new Map<string, StepRecord[]>()
  readonly #keys = new Map<string, string>()
  readonly #transports = new Set<FakeTransport>()
  readonly #failures: { op: Operation; error: DurablyError; before: boolean }[] = []
  /** Every call that reached the engine, in order. */
  readonly calls: { readonly op: Operation; readonly params: unknown }[] = []
  /** What the engine says of itself when that is not that all is well. */
  health: Health | null = null
  #sequence = 0
  #clock = START
  #isHeard = true

  constructor(jobs: readonly string[] = ['import-csv', 'report']) {
    this.#jobs = jobs
  }

  /** One more tab. */
  connect(): Transport {
    const transport = new FakeTransport(this)
    this.#transports.add(transport)
    return transport
  }

  disconnect(transport: FakeTransport): void {
    this.#transports.delete(transport)
  }

  /** Number of the last event. */
  get sequence(): number {
    return this.#sequence
  }

  /** Subscriptions that are open now, over all tabs. */
  get subscriptions(): readonly Subscription[] {
    return [...this.#transports].flatMap((transport) => transport.subscriptions)
  }

  /** Let the next call of *op* fail, before it takes effect or with only its answer lost. */
  failNext(op: Operation, error: DurablyError, when: 'before' | 'after' = 'before'): void {
    this.#failures.push({ op, error, before: when === 'before' })
  }

  answer<Op extends Operation>(op: Op, params: Operations[Op]['params']): Operations[Op]['result'] {
    const at = this.#failures.findIndex((failure) => failure.op === op)
    const failure = at < 0 ? undefined : this.#failures.splice(at, 1)[0]
    if (failure?.before) throw failure.error
    this.calls.push({ op, params })
    const result = this.#answers[op](params)
    if (failure) throw failure.error
    return result
  }

  run(runId: string): ClientRun {
    const run = this.#runs.get(runId)
    if (run === undefined) throw new DurablyError('not_found', `no run has the id '${runId}'`)
    return run
  }

  logs(runId: string): readonly LogEntry[] {
    return this.#logs.get(runId) ?? []
  }

  /** Active runs that *subscription* selects, newest first. */
  active({ jobName = [], labels = {} }: RunsSubscription): readonly ClientRun[] {
    return this.#select({ jobName, labels, status: ['pending', 'leased'] })
  }

  lease(runId: string): void {
    const run = this.#change(runId, { status: 'leased', startedAt: this.#now(), availableAt: null })
    const lease = { leaseOwner: 'fake', leaseExpiresAt: this.#now() }
    this.#tell(runId, { type: 'run:leased', ...lease, input: run.input })
  }

  renew(runId: string): void {
    this.#tell(runId, {
      type: 'run:lease-renewed',
      leaseOwner: 'fake',
      leaseExpiresAt: this.#now(),
    })
  }

  release(runId: string, availableAt: string | null = null): void {
    this.#change(runId, { status: 'pending', availableAt })
    this.#tell(runId, { type: 'run:release', reason: 'backoff', availableAt })
  }

  progress(runId: string, progress: Progress): void {
    this.#change(runId, { progress })
    this.#tell(runId, { type: 'run:progress', progress })
  }

  log(runId: string, message: string, data: Json = null): void {
    const logs = this.#logs.get(runId) ?? []
    const entry = {
      id: `${runId}-log-${logs.length}`,
      stepName: null,
      level: 'info',
      message,
      data,
    } as const
    this.#logs.set(runId, [...logs, { ...entry, runId, createdAt: this.#now() }])
    this.#tell(runId, { type: 'log:write', ...entry })
  }

  /** One step from its start to its saved result. */
  step(runId: string, stepName: string, output: Json = null): void {
    const stepIndex = this.run(runId).completedStepCount
    const startedAt = this.#now()
    this.#tell(runId, { type: 'step:start', stepName, stepIndex })
    this.#change(runId, { completedStepCount: stepIndex + 1, currentStepIndex: stepIndex + 1 })
    const times = { startedAt, completedAt: this.#now() }
    const saved = { id: `${runId}-step-${stepIndex}`, runId, name: stepName, index: stepIndex }
    const step = { ...saved, ...times, status: 'completed', output, ...noError } as const
    this.#steps.set(runId, [...(this.#steps.get(runId) ?? []), step])
    this.#tell(runId, { type: 'step:complete', stepName, stepIndex, output, duration: 1 })
  }

  complete(runId: string, output: Json = null): void {
    this.#change(runId, { status: 'completed', output })
    this.#tell(runId, { type: 'run:complete', output, duration: 1 })
  }

  fail(runId: string, error: string, errorType: string | null = null): void {
    this.#change(runId, { status: 'failed', error, errorType })
    this.#tell(runId, { type: 'run:fail', error, errorType, failedStepName: null })
  }

  /** Tell of a fault that no call asked about. */
  workerError(code: string): void {
    const fault = { error: code, code, context: 'test' }
    const sequence = ++this.#sequence
    const event: RunEvent = { type: 'worker:error', ...fault, sequence, timestamp: this.#now() }
    for (const transport of this.#transports) transport.deliver(event)
  }

  /** A new engine takes over: numbers start anew, leased runs are claimed again. */
  restart(): void {
    this.#sequence = 0
    for (const transport of this.#transports) transport.greet()
    for (const run of [...this.#runs.values()]) if (run.status === 'leased') this.lease(run.id)
  }

  /** Let *change* happen while no tab hears of it, as a frozen one; then all begin with a snapshot. */
  async unheard(change: () => unknown): Promise<void> {
    this.#isHeard = false
    await change()
    this.#isHeard = true
    for (const transport of this.#transports) transport.greet()
  }

  /** Another store takes the place of this one: an imported one with *runs*, or an empty one. */
  replaceWith(...runs: readonly ClientRun[]): void {
    for (const kept of [this.#runs, this.#logs, this.#steps, this.#keys]) kept.clear()
    for (const run of runs) this.#runs.set(run.id, run)
    for (const transport of this.#transports) transport.greet()
  }

  /** The engine is gone for good. */
  crash(error = new DurablyError('worker_crashed', 'the worker ended')): void {
    for (const transport of this.#transports) transport.endAll(error)
  }

  readonly #answers: Answers = {
    trigger: (params) => this.#trigger(params),
    batchTrigger: ({ runs }) => runs.map((params) => this.#trigger(params)),
    getRun: ({ runId }) => this.#runs.get(runId) ?? null,
    getRuns: (filter) => this.#select(filter),
    getSteps: ({ runId }) => this.#steps.get(runId) ?? [],
    getStepAttempts: () => [],
    getLogs: ({ runId }) => this.logs(runId),
    getWait: ({ waitId }) => this.#waits.get(waitId) ?? null,
    getWaits: ({ runId }) => [...this.#waits.values()].filter((wait) => wait.runId === runId),
    signal: ({ waitId, payload, signalId }) => this.#signal(waitId, payload, signalId),
    send: ({ topic, payload, key = null, messageId }) => {
      const found = [...this.#waits.values()].find(
        (wait) => wait.topic === topic && wait.key === key && wait.status === 'pending',
      )
      const told = found && this.#signal(found.id, payload, messageId)
      return { messageId, wait: told?.wait ?? null, disposition: 'accepted' }
    },
    schedules: () => [...this.schedules.values()],
    pauseSchedule: ({ name }) => this.#rest(name, true),
    resumeSchedule: ({ name }) => this.#rest(name, false),
    triggerSchedule: ({ name, runId }) => {
      const { jobName } = this.#scheduled(name)
      return this.#trigger({ jobName, input: null, runId })
    },
    cancel: ({ runId }) => {
      // As the engine has it: cancelling what is cancelled is done already.
      if (this.#runs.get(runId)?.status === 'cancelled') return null
      this.#demand(runId, ['pending', 'leased', 'waiting'])
      this.#change(runId, { status: 'cancelled' })
      this.#tell(runId, { type: 'run:cancel' })
      return null
    },
    retrigger: ({ runId, newRunId = `${runId}-again` }) => {
      const { jobName, input, labels } = this.#demand(runId, ['completed', 'failed', 'cancelled'])
      return this.#trigger({ jobName, input, labels, runId: newRunId })
    },
    resume: ({ runId }) => {
      this.#demand(runId, ['failed', 'cancelled'])
      this.#change(runId, { status: 'pending', error: null, errorType: null })
      this.#tell(runId, { type: 'run:resume' })
      return null
    },
    deleteRun: ({ runId }) => {
      const run = this.#demand(runId, ['completed', 'failed', 'cancelled'])
      this.#runs.delete(runId)
      this.#tell(runId, { type: 'run:delete' }, run)
      return null
    },
    purgeRuns: () => ({ count: 0 }),
    query: ({ name, input }) => ({ name, input }),
    jobs: () => this.#jobs.map((name) => ({ name, input: {}, output: {} })),
    health: () => this.health ?? healthy,
  }

  /** Let a run wait for somebody. */
  wait(runId: string, id: string, changes: Partial<Wait> = {}): void {
    const wait = { ...newWait, runId, id, createdAt: this.#now(), ...changes }
    this.#waits.set(id, wait)
    this.#change(runId, { status: 'waiting' })
    const told = { waitId: id, waitName: wait.name, waitingUntil: wait.deadlineAt }
    this.#tell(runId, { type: 'run:waiting', ...told })
  }

  #scheduled(name: string): Schedule {
    const found = this.schedules.get(name)
    if (found === undefined) throw new DurablyError('not_found', `there is no schedule ${name}`)
    return found
  }

  #rest(name: string, isPaused: boolean): null {
    this.schedules.set(name, { ...this.#scheduled(name), isPaused })
    return null
  }

  #signal(waitId: string, payload: Json, signalId: string): SignalAnswer {
    const wait = this.#waits.get(waitId)
    if (wait === undefined) throw new DurablyError('not_found', `no wait has the id ${waitId}`)
    if (wait.signalId === signalId) return { wait, disposition: 'duplicate' }
    if (wait.status !== 'pending') throw new DurablyError('conflict', 'it was told already')
    const told = { ...wait, status: 'resolved', outcome: 'signal', payload, signalId } as const
    this.#waits.set(waitId, told)
    this.#tell(wait.runId, { type: 'wait:resolve', waitId, waitName: wait.name })
    return { wait: told, disposition: 'accepted' }
  }

  #trigger(params: TriggerParams): TriggerAnswer {
    const { jobName, input, labels = {}, idempotencyKey, concurrencyKey, coalesce } = params
    const { runId = `run-${this.#runs.size}` } = params
    if (!this.#jobs.includes(jobName)) {
      throw new DurablyError('unknown_job', `no job is registered as '${jobName}'`)
    }
    // Law 8: the same id again is the same run.
    if (this.#runs.has(runId)) return { runId, disposition: 'created' }
    const once = `once/${jobName}/${idempotencyKey}`
    const former = idempotencyKey === undefined ? undefined : this.#keys.get(once)
    if (former !== undefined) return { runId: former, disposition: 'idempotent' }
    const queue = `queue/${jobName}/${concurrencyKey}`
    const waiting = concurrencyKey === undefined ? undefined : this.#keys.get(queue)
    if (waiting !== undefined && this.#runs.get(waiting)?.status === 'pending') {
      if (coalesce !== 'skip') throw new DurablyError('conflict', `run ${waiting} waits already`)
      this.#tell(waiting, { type: 'run:coalesced', skippedInput: input, skippedLabels: labels })
      return { runId: waiting, disposition: 'coalesced' }
    }
    this.#keys.set(once, runId).set(queue, runId)
    this.#runs.set(runId, { ...newRun, id: runId, jobName, input, labels, createdAt: this.#now() })
    this.#tell(runId, { type: 'run:trigger', input })
    return { runId, disposition: 'created' }
  }

  #select({
    jobName,
    status,
    labels = {},
    limit = 100,
    offset = 0,
  }: Operations['getRuns']['params']): ClientRun[] {
    const jobNames = [jobName ?? []].flat()
    const statuses = [status ?? []].flat()
    return [...this.#runs.values()]
      .filter((run) => jobNames.length === 0 || jobNames.includes(run.jobName))
      .filter((run) => statuses.length === 0 || statuses.includes(run.status))
      .filter((run) => Object.entries(labels).every(([key, value]) => run.labels[key] === value))
      .reverse()
      .slice(offset, offset + limit)
  }

  #demand(runId: string, statuses: readonly RunStatus[]): ClientRun {
    const run = this.run(runId)
    if (statuses.includes(run.status)) return run
    throw new DurablyError('conflict', `run ${runId} is ${run.status}`)
  }

  #change(runId: string, changes: Changes): ClientRun {
    const run = { ...this.run(runId), ...changes }
    const isWaiting = run.status === 'waiting'
    const isActive = run.status === 'pending' || run.status === 'leased' || isWaiting
    const changed = { ...run, isActive, isWaiting, isTerminal: !isActive }
    this.#runs.set(runId, changed)
    return changed
  }

  #tell(runId: string, told: Told, run = this.run(runId)): void {
    const { jobName, labels } = run
    const sequence = ++this.#sequence
    const event: RunEvent = { ...told, runId, jobName, labels, sequence, timestamp: this.#now() }
    if (!this.#isHeard) return
    for (const transport of this.#transports) transport.deliver(event)
  }

  #now(): string {
    return new Date(++this.#clock).toISOString()
  }
}

const healthy: Health = {
  state: 'ok',
  fault: null,
  workerId: 'fake',
  activeRuns: [],
  parkedJobs: [],
}

const noError = { error: null, errorType: null, errorTrace: null }

const newWait = {
  name: 'approval',
  kind: 'signal',
  status: 'pending',
  outcome: null,
  metadata: null,
  topic: 'approval',
  key: null,
  childId: null,
  payload: null,
  signalId: null,
  deadlineAt: null,
  suspendedAt: null,
  resolvedAt: null,
  firstResumedAt: null,
  inputWaitMs: null,
  executionSlotWaitMs: null,
} as const

const newRun = {
  status: 'pending',
  currentStepIndex: 0,
  completedStepCount: 0,
  progress: null,
  output: null,
  ...noError,
  startedAt: null,
  completedAt: null,
  availableAt: null,
  waitingUntil: null,
  parentId: null,
  isTerminal: false,
  isActive: true,
  isWaiting: false,
  isParked: false,
} as const
