/** What an app holds: every operation of the engine as a method, over any transport. */

import { monotonicFactory } from 'ulid'
import { encodeInput } from './encode-input'
import { DurablyError } from './errors'
import type { Delivered, Subscription } from './events'
import { type JobRef, nameOf, type QueryRef, type TriggerInput } from './job-ref'
import type { RunState } from './reduce-run'
import { RunStore } from './run-store'
import { StatusStore } from './status-store'
import type { StoreArchive } from './store-archive'
import { told } from './told'
import type {
  Health,
  JobInfo,
  Operation,
  Operations,
  SendAnswer,
  SignalAnswer,
  Transport,
  TriggerAnswer,
  TriggerParams,
  Unsubscribe,
} from './transport'
import type {
  BlobRef,
  ClientRun,
  Json,
  LogEntry,
  RunFilter,
  Schedule,
  StepAttempt,
  StepRecord,
  TriggerOptions,
  Wait,
} from './types'
import { checkTimeout, type WaitOptions, waitForRun } from './wait-for-run'
import { WeakValues } from './weak-values'

export interface ClientTriggerOptions extends TriggerOptions {
  /** The new run's ULID. Give it again to repeat a trigger whose answer was lost: it stays one run. */
  readonly runId?: string
}

/** One run of a batch. */
export interface BatchItem<Input = unknown> extends ClientTriggerOptions {
  readonly input: TriggerInput<Input>
}

export interface ClientWaitOptions extends ClientTriggerOptions, WaitOptions {
  /** Called once the run is stored, before it ends. */
  readonly onTrigger?: (answer: TriggerAnswer) => void
}

/** A completed run that was triggered and waited for. */
export interface Completed<Output = Json> extends TriggerAnswer {
  readonly output: Output
}

export interface SendOptions {
  /** Only a wait of this key takes it. */
  readonly key?: string
  /** Give it again to repeat a message whose answer was lost: it is sent once. */
  readonly messageId?: string
  /** Milliseconds for which it is kept until somebody waits for it. Default: a day. */
  readonly keep?: number
}

/** Reaches the engine. Every method rejects with a `DurablyError`. */
export class DurablyClient {
  /** How this tab reaches the engine, and how the engine is. */
  readonly status: StatusStore
  readonly #transport: Transport
  readonly #newRunId = monotonicFactory()
  readonly #runStores = new WeakValues<string, RunStore>()

  constructor(transport: Transport) {
    this.#transport = transport
    this.status = new StatusStore(transport)
  }

  /**
   * Start a run of *job*; resolves once it is stored.
   *
   * A `File`, `Blob`, `ArrayBuffer` or typed array anywhere in *input* is stored first and reaches the job as its `BlobRef`.
   */
  async trigger<Name extends string, Input, Output>(
    job: string | JobRef<Name, Input, Output>,
    input: TriggerInput<Input>,
    options: ClientTriggerOptions = {},
  ): Promise<TriggerAnswer> {
    return this.#call('trigger', await this.#params(job, { ...options, input }))
  }

  /** Start a run and resolve with its output. Rejects as `waitForRun` does. */
  async triggerAndWait<Name extends string, Input, Output = Json>(
    job: string | JobRef<Name, Input, Output>,
    input: TriggerInput<Input>,
    options: ClientWaitOptions = {},
  ): Promise<Completed<Output>> {
    const { timeout, signal, onProgress, onLog, onTrigger, ...triggerOptions } = options
    // First: after a refusal there is no run.
    checkTimeout(timeout)
    const answer = await this.trigger(job, input, triggerOptions)
    told(onTrigger, answer)
    const run = await this.waitForRun(answer.runId, { timeout, signal, onProgress, onLog })
    return { ...answer, output: run.output as Output }
  }

  /** Start many runs of *job*: all or none. */
  async batchTrigger<Name extends string, Input, Output>(
    job: string | JobRef<Name, Input, Output>,
    items: readonly BatchItem<Input>[],
  ): Promise<readonly TriggerAnswer[]> {
    if (items.length === 0) return []
    const runs: TriggerParams[] = []
    for (const item of items) runs.push(await this.#params(job, item))
    return this.#call('batchTrigger', { runs })
  }

  /** Return the run, or null when there is none. */
  getRun(runId: string): Promise<ClientRun | null> {
    return this.#call('getRun', { runId })
  }

  /** Return matching runs, newest first. */
  getRuns(filter: RunFilter = {}): Promise<readonly ClientRun[]> {
    return this.#call('getRuns', filter)
  }

  /** Return the run's saved steps. */
  getSteps(runId: string): Promise<readonly StepRecord[]> {
    return this.#call('getSteps', { runId })
  }

  /** Return the attempts of steps that have a retry or a timeout, in the order they began. */
  getStepAttempts(runId: string): Promise<readonly StepAttempt[]> {
    return this.#call('getStepAttempts', { runId })
  }

  /** Return what a run waits for, or waited for, by its id; null when there is none. */
  getWait(waitId: string): Promise<Wait | null> {
    return this.#call('getWait', { waitId })
  }

  /** Return what a run has waited for, or waits for, in the order it came to it. */
  getWaits(runId: string): Promise<readonly Wait[]> {
    return this.#call('getWaits', { runId })
  }

  /**
   * Tell a wait what it waits for; its run goes on with *payload*.
   *
   * Rejects with `wait_expired` when its deadline passed, with `conflict` when it was told something else or its run has ended.
   */
  async signal(
    waitId: string,
    payload: unknown,
    { signalId = this.#newRunId() }: { readonly signalId?: string } = {},
  ): Promise<SignalAnswer> {
    return this.#call('signal', { waitId, signalId, payload: await this.#json(payload) })
  }

  /** Tell the run that has waited longest for *topic* and its key, or the first that will. */
  async send(
    topic: string,
    payload: unknown,
    { messageId = this.#newRunId(), ...options }: SendOptions = {},
  ): Promise<SendAnswer> {
    return this.#call('send', { ...options, topic, messageId, payload: await this.#json(payload) })
  }

  /** Return the run's log, oldest first. */
  getLogs(runId: string): Promise<readonly LogEntry[]> {
    return this.#call('getLogs', { runId })
  }

  /** Cancel a run that has not ended, and those that it called and waits for. */
  async cancel(runId: string): Promise<void> {
    await this.#call('cancel', { runId })
  }

  /** Start a fresh run with the input of an ended one. */
  retrigger(runId: string): Promise<{ readonly runId: string }> {
    return this.#call('retrigger', { runId, newRunId: this.#newRunId() })
  }

  /** Let a failed or cancelled run go on in place, with its saved steps. */
  async resume(runId: string): Promise<void> {
    await this.#call('resume', { runId })
    this.#runStores.get(runId)?.reopen()
  }

  /** Remove an ended run with its steps, logs and labels. */
  async deleteRun(runId: string): Promise<void> {
    await this.#call('deleteRun', { runId })
  }

  /** Remove ended runs that are older than a date or an ISO time; returns how many. */
  async purgeRuns(olderThan: Date | string, limit?: number): Promise<number> {
    const time = typeof olderThan === 'string' ? olderThan : olderThan.toISOString()
    const params = limit === undefined ? { olderThan: time } : { olderThan: time, limit }
    return (await this.#call('purgeRuns', params)).count
  }

  /** Call a function that the app registered with `@query`. */
  query<Name extends string, Input, Output>(
    query: QueryRef<Name, Input, Output>,
    input: TriggerInput<Input>,
    signal?: AbortSignal,
  ): Promise<Output>
  query<Result = Json>(name: string, input: unknown, signal?: AbortSignal): Promise<Result>
  async query(query: string | QueryRef, input: unknown, signal?: AbortSignal): Promise<unknown> {
    const name = nameOf(query)
    const json = await this.#json(input)
    return this.#call('query', { name, input: json }, signal)
  }

  /** Return when jobs run by themselves. */
  schedules(): Promise<readonly Schedule[]> {
    return this.#call('schedules', {})
  }

  /** Let a schedule rest; what it misses meanwhile is not made up for. */
  async pauseSchedule(name: string): Promise<void> {
    await this.#call('pauseSchedule', { name })
  }

  /** Let a schedule go on, from its next slot on. */
  async resumeSchedule(name: string): Promise<void> {
    await this.#call('resumeSchedule', { name })
  }

  /** Make a run of a schedule's job now. */
  triggerSchedule(name: string): Promise<TriggerAnswer> {
    return this.#call('triggerSchedule', { name, runId: this.#newRunId() })
  }

  /** Return the registered jobs with their schemas. */
  jobs(): Promise<readonly JobInfo[]> {
    return this.#call('jobs', {})
  }

  /** Return how the engine is. */
  health(): Promise<Health> {
    return this.#call('health', {})
  }

  /** Keep *file* beside the runs; give the reference to a job as part of its input. */
  putBlob(file: Blob, name?: string): Promise<BlobRef> {
    return this.#transport.putBlob(file, name)
  }

  /** Return the bytes of a kept file, such as one in a run's output. */
  async readBlob({ sha256, mediaType }: BlobRef): Promise<Blob> {
    const blob = await this.#transport.readBlob(sha256)
    return blob.slice(0, blob.size, mediaType)
  }

  /** Return the whole store, files of runs included, as one SQLite file; jobs go on meanwhile. */
  async exportStore(): Promise<Blob> {
    return this.#archive.exportStore()
  }

  /**
   * Put an exported store in the place of this one. Runs that execute are stopped; those of the file
   * go on where they were. Rejects with `import_refused` or `schema_too_new` when the file is no
   * sound store, and then nothing has changed.
   */
  async importStore(file: Blob): Promise<void> {
    return this.#archive.importStore(file)
  }

  /** Remove all runs, their files, and every file that jobs have made. */
  async resetStore(): Promise<void> {
    return this.#archive.resetStore()
  }

  /** Resolve with the state of the completed run, from its snapshot if it has ended already. */
  waitForRun(runId: string, options: WaitOptions = {}): Promise<RunState> {
    return waitForRun(this.#transport, runId, options)
  }

  /** The store of one run. The same object for everyone who asks while it is in use. */
  runStore(runId: string): RunStore {
    return this.#runStores.getOrMake(runId, () => new RunStore(this.#transport, runId))
  }

  /** Deliver a snapshot, then events; `onEnd` is called once if that ends by itself. */
  subscribe<S extends Subscription>(
    subscription: S,
    listener: (message: Delivered<S>) => void,
    onEnd?: (error: DurablyError | null) => void,
  ): Unsubscribe {
    return this.#transport.subscribe(subscription, listener, onEnd)
  }

  /** Let go of the engine. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  get #archive(): StoreArchive {
    const { archive } = this.#transport
    if (archive) return archive
    throw new DurablyError('not_supported', 'this store is not on this device')
  }

  #call<Op extends Operation>(
    op: Op,
    params: Operations[Op]['params'],
    signal?: AbortSignal,
  ): Promise<Operations[Op]['result']> {
    return this.#transport.call(op, params, signal)
  }

  async #params<Input>(
    job: string | JobRef,
    { input, runId = this.#newRunId(), ...options }: BatchItem<Input>,
  ): Promise<TriggerParams> {
    const jobName = nameOf(job)
    return { ...options, jobName, input: await this.#json(input), runId }
  }

  #json(value: unknown): Promise<Json> {
    return encodeInput(value, (file, name) => this.putBlob(file, name))
  }
}
