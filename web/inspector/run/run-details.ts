/** One run with its steps and their attempts, followed while someone looks. */

import { Coalesced } from '../../core/coalesced'
import { toDurablyError } from '../../core/errors'
import type {
  ClientRun,
  DurablyClient,
  DurablyError,
  EventType,
  RunEvent,
  RunSnapshot,
  RunsSnapshot,
  StepAttempt,
  StepRecord,
  Unsubscribe,
} from '../../core/index'
import { type Watchable, Watched } from '../../core/watched'

/** A step that has begun and has no result yet. */
export interface RunningStep {
  readonly name: string
  readonly index: number
  readonly startedAt: string
}

export interface RunDetailsState {
  /** Null until it is there. */
  readonly run: ClientRun | null
  readonly steps: readonly StepRecord[]
  readonly attempts: readonly StepAttempt[]
  readonly running: readonly RunningStep[]
  /** Whether the steps that were saved before have been read. */
  readonly isRead: boolean
  readonly isGone: boolean
  readonly error: DurablyError | null
}

const FOLLOWED: readonly EventType[] = [
  'run:leased',
  'run:release',
  'run:resume',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
  'step:start',
  'step:complete',
  'step:fail',
  'step:cancel',
  'step:retry',
]
/** What leads back out of an end, and is not told to who follows an ended run. */
const AFTER_END: readonly EventType[] = ['run:resume', 'run:delete']

const PAUSE = 200
/** Milliseconds in which steps are gathered: a run may take a thousand in a second. */
const GATHERED_FOR = 100

/** Shape fits `useSyncExternalStore`. */
export class RunDetails implements Watchable<RunDetailsState> {
  readonly #client: DurablyClient
  readonly #runId: string
  readonly #state = new Watched<RunDetailsState>(
    { run: null, steps: [], attempts: [], running: [], isRead: false, isGone: false, error: null },
    { open: () => this.#open(), close: () => this.#close() },
  )
  readonly #loading = new Coalesced((signal) => this.#load(signal), PAUSE)
  /** Results that were told while they were asked for, and those that are not shown yet. */
  #heard: StepRecord[] = []
  #fresh: StepRecord[] = []
  #running = new Map<string, RunningStep>()
  #timer: ReturnType<typeof setTimeout> | null = null
  #stopFeed: Unsubscribe | null = null
  #stopAfterEnd: Unsubscribe | null = null

  constructor(client: DurablyClient, runId: string) {
    this.#client = client
    this.#runId = runId
  }

  readonly getSnapshot = (): RunDetailsState => this.#state.getSnapshot()

  readonly subscribe = (listener: () => void): Unsubscribe => this.#state.subscribe(listener)

  #open(): void {
    this.#stopFeed = this.#client.subscribe(
      { runId: this.#runId, types: FOLLOWED },
      this.#take,
      (error) => {
        if (error === null) this.#waitForMore()
        else if (error.code === 'not_found') this.#change({ isGone: true, run: null })
        else this.#change({ error })
      },
    )
  }

  #close(): void {
    this.#stopFeed?.()
    this.#stopFeed = null
    this.#stopAfterEnd?.()
    this.#stopAfterEnd = null
    this.#loading.stop()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #waitForMore(): void {
    const { run } = this.getSnapshot()
    if (run === null || this.#stopAfterEnd !== null || !this.#state.isWatched) return
    this.#stopAfterEnd = this.#client.subscribe(
      { jobName: run.jobName, labels: run.labels, types: AFTER_END },
      (message: RunsSnapshot | RunEvent) => {
        if (message.type === 'run:delete' && message.runId === this.#runId) {
          this.#change({ isGone: true })
        } else if (message.type === 'run:resume' && message.runId === this.#runId) {
          this.#close()
          this.#open()
          this.#client.runStore(this.#runId).reopen()
        }
      },
    )
  }

  readonly #take = (message: RunSnapshot | RunEvent): void => {
    switch (message.type) {
      case 'snapshot':
        this.#running.clear()
        this.#change({ run: message.run, running: [], isGone: false, error: null })
        this.#loading.request()
        return
      case 'run:delete':
        this.#change({ isGone: true })
        return
      case 'step:start': {
        const { stepName: name, stepIndex: index, timestamp: startedAt } = message
        this.#running.set(name, { name, index, startedAt })
        this.#gather()
        return
      }
      case 'step:complete':
        this.#running.delete(message.stepName)
        this.#add(message)
        return
      case 'step:fail':
      case 'step:cancel':
        this.#running.delete(message.stepName)
        break
      case 'run:leased':
      case 'step:retry':
        break
      default:
        this.#running.clear()
    }
    this.#gather()
    this.#loading.request()
  }

  #gather(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      const fresh = this.#fresh
      this.#fresh = []
      const steps = merged(this.getSnapshot().steps, fresh)
      this.#change({ steps, running: [...this.#running.values()] })
    }, GATHERED_FOR)
  }

  /** A run may have 100,000 steps: each is added as it is told, and not asked for with all before it. */
  #add(event: Extract<RunEvent, { readonly type: 'step:complete' }>): void {
    const { stepName, stepIndex, output, duration, timestamp, runId } = event
    const step: StepRecord = {
      id: `${runId}/${stepName}`,
      runId,
      name: stepName,
      index: stepIndex,
      status: 'completed',
      output,
      error: null,
      errorType: null,
      errorTrace: null,
      startedAt: new Date(Date.parse(timestamp) - duration).toISOString(),
      completedAt: timestamp,
    }
    this.#heard.push(step)
    this.#fresh.push(step)
    this.#gather()
    if (this.getSnapshot().attempts.length > 0) this.#loading.request()
  }

  async #load(signal: AbortSignal): Promise<void> {
    this.#heard = []
    try {
      const [run, steps, attempts] = await Promise.all([
        this.#client.getRun(this.#runId),
        this.#client.getSteps(this.#runId),
        this.#client.getStepAttempts(this.#runId),
      ])
      if (signal.aborted) return
      if (run === null) this.#change({ isGone: true })
      else this.#change({ run, isRead: true, error: null, ...this.#withSeen(run, steps, attempts) })
    } catch (error) {
      if (!signal.aborted) this.#change({ error: toDurablyError(error) })
    }
  }

  /** Steps go when their run completes; whoever has seen them still does. */
  #withSeen(
    run: ClientRun,
    steps: readonly StepRecord[],
    attempts: readonly StepAttempt[],
  ): Partial<RunDetailsState> {
    const isSwept = run.status === 'completed' && steps.length === 0
    return isSwept ? {} : { steps: merged(steps, this.#heard), attempts }
  }

  #change(changes: Partial<RunDetailsState>): void {
    this.#state.set({ ...this.getSnapshot(), ...changes })
  }
}

/** Steps beside each other may end in another order than they began in. */
const BESIDE = 64

/** A result that is heard of is not there twice; what has been read ends with what was heard meanwhile. */
function merged(steps: readonly StepRecord[], heard: readonly StepRecord[]): readonly StepRecord[] {
  const names = new Set(steps.slice(-heard.length - BESIDE).map(({ name }) => name))
  const isNew = heard.filter(({ name }) => !names.has(name))
  return isNew.length === 0 ? steps : [...steps, ...isNew]
}
