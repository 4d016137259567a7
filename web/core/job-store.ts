/** The run of a job that a screen shows: which one it is, and its state. */

import type { ClientTriggerOptions, ClientWaitOptions, Completed, DurablyClient } from './client'
import type { DurablyError } from './errors'
import { type EventType, type RunEvent, type RunsSnapshot, runsOf } from './events'
import { type JobRef, nameOf, type TriggerInput } from './job-ref'
import { initialRun, type RunState } from './reduce-run'
import type { RunStore } from './run-store'
import { told } from './told'
import type { TriggerAnswer, Unsubscribe } from './transport'
import type { ClientRun, Json, Labels, RunStatus } from './types'

export interface JobStoreOptions {
  /** Show this run first. Then no active run is looked for at the start. */
  readonly initialRunId?: string | undefined
  /** Show the job's latest active run when there is one, a leased before a pending. Default true. */
  readonly autoResume?: boolean | undefined
  /** Switch to each run of the job that is triggered or leased, wherever that happens. Default true. */
  readonly followLatest?: boolean | undefined
  /** Look for, and follow, only runs that have all of these labels. A trigger's own are `triggerOptions`. */
  readonly scope?: { readonly labels?: Labels | undefined } | undefined
}

/** The run that a `JobStore` shows. */
export interface JobState<Output = Json> extends Omit<RunState, 'output'> {
  readonly output: Output | null
  /** Whether it is not known yet which run is to be shown, or what has become of it. */
  readonly isResolving: boolean
}

const noRun = initialRun(null)

/** Follows one run of a job at a time while someone listens. Shape fits `useSyncExternalStore`. */
export class JobStore<Input = unknown, Output = Json> {
  readonly #client: DurablyClient
  readonly #job: string | JobRef<string, Input, Output>
  readonly #autoResume: boolean
  readonly #followLatest: boolean
  readonly #labels: Labels | undefined
  readonly #listeners = new Set<() => void>()
  /** What goes with each trigger that does not say otherwise. */
  triggerOptions: ClientTriggerOptions = {}
  #run: RunStore | null
  /** The part of the state that is the run's own. */
  #shown: RunState = noRun
  #state: JobState<Output>
  #sawActiveRuns = false
  #feedError: DurablyError | null = null
  #stopRun: Unsubscribe | null = null
  #stopFeed: Unsubscribe | null = null

  constructor(
    client: DurablyClient,
    job: string | JobRef<string, Input, Output>,
    { initialRunId, autoResume = true, followLatest = true, scope }: JobStoreOptions = {},
  ) {
    this.#client = client
    this.#job = job
    this.#autoResume = autoResume
    this.#followLatest = followLatest
    this.#run = initialRunId === undefined ? null : client.runStore(initialRunId)
    this.#labels = scope?.labels
    this.#shown = this.#run?.getSnapshot() ?? noRun
    this.#state = this.#stateOf(this.#shown, this.#isResolving(this.#shown))
  }

  readonly getSnapshot = (): JobState<Output> => this.#state

  readonly subscribe = (listener: () => void): Unsubscribe => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#open()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#close()
    }
  }

  /** Start a run of the job and show it. */
  readonly trigger = async (
    input: TriggerInput<Input>,
    options?: ClientTriggerOptions,
  ): Promise<TriggerAnswer> => {
    const given = { ...this.triggerOptions, ...options }
    const answer = await this.#client.trigger(this.#job, input, given)
    this.#followAnswer(answer)
    return answer
  }

  /** Start a run of the job, show it, and resolve with its output. */
  readonly triggerAndWait = (
    input: TriggerInput<Input>,
    options: ClientWaitOptions = {},
  ): Promise<Completed<Output>> =>
    this.#client.triggerAndWait(this.#job, input, {
      ...this.triggerOptions,
      ...options,
      onTrigger: (answer) => {
        this.#followAnswer(answer)
        options.onTrigger?.(answer)
      },
    })

  /** Show no run, until one is triggered or followed again. */
  readonly reset = (): void => {
    this.#stopRun?.()
    this.#stopRun = null
    this.#run = null
    this.#set(noRun)
  }

  #open(): void {
    this.#stopRun = this.#run?.subscribe(this.#show) ?? null
    this.#openFeed()
    this.#show()
  }

  #openFeed(): void {
    const types: EventType[] = ['run:resume', 'run:delete']
    if (this.#followLatest) types.push('run:trigger', 'run:leased')
    this.#feedError = null
    this.#stopFeed?.()
    const followed = runsOf({ jobName: nameOf(this.#job), labels: this.#labels }, types)
    this.#stopFeed = this.#client.subscribe(followed, this.#take, (error) => {
      this.#feedError = error
      this.#show()
    })
  }

  #close(): void {
    this.#stopFeed?.()
    this.#stopRun?.()
    this.#stopFeed = this.#stopRun = null
  }

  readonly #take = (message: RunsSnapshot | RunEvent): void => {
    if (message.type === 'snapshot') this.#takeActive(message.runs)
    else if (message.type === 'run:trigger') this.#follow(message.runId, 'pending')
    else if (message.type === 'run:leased') this.#follow(message.runId, 'leased')
    // A run that has ended is followed no more: only this feed tells what becomes of it.
    else if (message.runId !== this.#run?.runId) return
    else if (message.type === 'run:resume') this.#run?.reopen()
    else if (message.type === 'run:delete') this.reset()
  }

  /** A later snapshot tells of a new engine or another store: anything may have happened unheard. */
  #takeActive(runs: readonly ClientRun[]): void {
    const latest =
      runs.find((run) => run.status === 'leased') ??
      runs.find((run) => run.status === 'pending') ??
      runs[0]
    const isFirst = !this.#sawActiveRuns
    this.#sawActiveRuns = true
    // A run that had ended may have been resumed, and even have ended again; or it is gone.
    if (!isFirst) this.#run?.reopen()
    const shown = this.#run?.runId ?? null
    const wanted = isFirst
      ? this.#autoResume && shown === null
      : this.#followLatest && latest !== undefined && (shown === null || latest.id > shown)
    if (wanted && latest !== undefined) this.#follow(latest.id, latest)
    else if (isFirst) this.#show() // it is known now that there is none
  }

  #followAnswer({ runId, disposition }: TriggerAnswer): void {
    // An idempotent hit may have ended long ago; the others are pending now or were just before.
    this.#follow(runId, disposition === 'idempotent' ? undefined : 'pending')
  }

  #follow(runId: string, known?: RunStatus | ClientRun): void {
    if (runId === this.#run?.runId) return
    this.#stopRun?.()
    this.#run = this.#client.runStore(runId)
    if (known !== undefined) this.#run.assume(known)
    this.#stopRun = this.#listeners.size > 0 ? this.#run.subscribe(this.#show) : null
    this.#show()
  }

  readonly #show = (): void => {
    const run = this.#run?.getSnapshot() ?? noRun
    if (run.isDeleted) {
      this.reset()
      // With another store in its place, others may have been active while this run still stood.
      if (this.#stopFeed !== null) this.#openFeed()
      return
    }
    // The former run stays on screen until the new one is known: no blank in between.
    const isUnknown = run.status === null && run.subscriptionError === null
    if (isUnknown && run.runId !== null && this.#state.status !== null) return
    const error = run.subscriptionError ?? this.#feedError
    this.#set(error === run.subscriptionError ? run : { ...run, subscriptionError: error })
  }

  /** Of a run that is shown, nothing may be known yet; of none, whether there is one to show. */
  #isResolving(run: RunState): boolean {
    if (this.#feedError !== null || run.subscriptionError !== null) return false
    if (this.#run !== null) return run.status === null
    return this.#autoResume && !this.#sawActiveRuns
  }

  /** The engine has checked the output by the job's type. */
  #stateOf(run: RunState, isResolving: boolean): JobState<Output> {
    return { ...run, output: run.output as Output | null, isResolving }
  }

  #set(run: RunState): void {
    const isResolving = this.#isResolving(run)
    if (run === this.#shown && isResolving === this.#state.isResolving) return
    this.#shown = run
    this.#state = this.#stateOf(run, isResolving)
    for (const notify of this.#listeners) told(notify)
  }
}
