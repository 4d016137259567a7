/** A tab's part while it owns the engine: keep a worker alive, and tell the other pages of it. */

import { DurablyError } from '../../core/errors'
import { told } from '../../core/told'
import type { BetweenPages, BootConfig, BootStage, SnapshotNotice } from '../bridge/protocol'
import { noteDeparture, takeDeparture } from './ownership'
import type { Part, Tab } from './part'
import { lastVisit, noteVisit } from './visits'
import { WorkerLink } from './worker-link'

/**
 * Workers that may die one after another. More than law 6 lets one run take with it: that run is
 * failed before the tab gives up.
 */
const MOST_DEATHS = 8
/** A worker that lived this long, in milliseconds, did not die of its boot or of its first run. */
const LONG_LIFE = 60_000
/** Pauses before a boot after a death, in milliseconds: the last one doubled, within these. */
const SHORTEST_PAUSE = 50
const LONGEST_PAUSE = 5_000
/** The same while a file is out of reach; the return of the network ends a pause. */
const LONGEST_WAIT = 60_000
/** Boots without that file after which a tab that never had an engine says that it has none. */
const MOST_MISSES = 8
/** Milliseconds for which a follower's word counts: what it waits for may be answered by then. */
const FRESH = 250

/** What an engine has to know of those before it. */
type After = Pick<BootConfig, 'cancel' | 'ownerLeft'>

export interface OwnerOptions {
  readonly worker: () => Worker
  readonly onSnapshot?: (notice: SnapshotNotice) => void
  readonly onFault?: (error: DurablyError) => void
  /** Milliseconds a worker may take to drain before it is ended. */
  readonly closeWithin?: number
  /** Let another tab own the engine. */
  readonly stepBack: () => void
}

export class Owner implements Part {
  readonly #tab: Tab
  readonly #options: OwnerOptions
  /** The answer to whoever seeks the owner. */
  #said: BetweenPages = { kind: 'booting', stage: 'manifest', elapsed: 0 }
  #link: WorkerLink | null = null
  #timer: ReturnType<typeof setTimeout> | null = null
  /** What the engine that boots, or the next one, is to be told. */
  #after: After = {}
  #deaths = 0
  #misses = 0
  #problem: DurablyError | null = null
  #bornAt = 0

  constructor(tab: Tab, options: OwnerOptions) {
    this.#tab = tab
    this.#options = options
    this.#boot({ ownerLeft: takeDeparture(tab.config.store) })
  }

  hear(message: BetweenPages): void {
    if (message.kind === 'seek') this.#tab.post(this.#said)
    if (message.kind === 'cancel') {
      const { epoch, at, ...unanswered } = message
      const isMeant = this.#said.kind === 'ready' && this.#said.epoch === epoch
      // A page that was busy hears it late.
      if (isMeant && Date.now() - at <= FRESH) this.#link?.stop(unanswered)
    }
  }

  look(): void {
    // Only for a file that is missed: a worker that died would have no more luck now.
    if (this.#misses === 0) return
    this.#misses = 0
    if (this.#timer !== null) this.#boot(this.#after)
  }

  leave(): void {
    if (this.#link !== null) noteDeparture(this.#tab.config.store)
    this.#quit()
  }

  async close(): Promise<void> {
    await this.#stop()?.close(this.#options.closeWithin ?? 6_000)
    this.#options.stepBack()
  }

  #boot(after: After): void {
    this.#stopTimer()
    this.#after = after
    const { session } = this.#tab
    const { store } = this.#tab.config
    const config = { ...this.#tab.config, ...after, lastVisit: lastVisit(store) }
    const epoch = crypto.randomUUID()
    this.#bornAt = Date.now()
    const worker = this.#makeWorker()
    if (worker === null) return
    const link = new WorkerLink(worker, this.#options.worker, config, epoch, {
      booting: (stage, elapsed) => this.#booting(stage, elapsed),
      ready: (info) => {
        this.#after = {}
        this.#misses = 0
        this.#problem = null
        noteVisit(store)
        this.#say({ kind: 'ready', epoch, info })
        this.#tab.show({ role: 'owner', boot: null, problem: null })
        session.attach(link)
        this.#tab.ready(info)
      },
      reply: (reply) => session.receive(reply),
      snapshot: (notice) => told(this.#options.onSnapshot, notice),
      fault: (error) => told(this.#options.onFault, error),
      failed: (error, isPassing) => (isPassing ? this.#missed(error) : this.#fail(error)),
      died: (error) => this.#died(error),
      hung: (runIds) => this.#hung(runIds),
    })
    this.#link = link
    // Last, as who is told may close the tab.
    this.#booting('manifest', 0)
  }

  /** Their code heeds nothing: end it with its worker, and cancel them before any is claimed. */
  #hung(runIds: readonly string[]): void {
    this.#lose()
    this.#boot({ cancel: runIds })
  }

  #makeWorker(): Worker | null {
    try {
      return this.#options.worker()
    } catch (cause) {
      const message = `the browser makes no worker: ${cause}`
      this.#fail(new DurablyError('boot_failed', message, { cause }))
      return null
    }
  }

  #booting(stage: BootStage, elapsed: number): void {
    const problem = this.#problem
    this.#say({ kind: 'booting', stage, elapsed, ...(problem && { problem: problem.toPayload() }) })
    this.#tab.show({ role: 'owner', boot: { stage, elapsed }, problem })
  }

  #died(error: DurablyError): void {
    this.#lose()
    if (Date.now() - this.#bornAt > LONG_LIFE) this.#deaths = 0
    this.#deaths += 1
    this.#misses = 0
    if (this.#deaths >= MOST_DEATHS) {
      const message = `${this.#deaths} workers in a row have died, the last one so: ${error.message}`
      this.#fail(new DurablyError('worker_crashed', message))
      return
    }
    this.#tryAgain(error, pauseAfter(this.#deaths, LONGEST_PAUSE), {})
  }

  /** What could not be fetched can be fetched later: a tab that has worked waits as long as it takes. */
  #missed(error: DurablyError): void {
    this.#lose()
    this.#misses += 1
    // Without a network that is no sign of anything else; with one, the address may be wrong.
    const isOnline = globalThis.navigator?.onLine !== false
    if (isOnline && this.#misses >= MOST_MISSES && !this.#tab.hasWorked()) this.#fail(error)
    else this.#tryAgain(error, pauseAfter(this.#misses, LONGEST_WAIT), this.#after)
  }

  #tryAgain(problem: DurablyError, pause: number, after: After): void {
    this.#problem = problem
    this.#after = after
    this.#timer = setTimeout(() => this.#boot(after), pause)
    this.#booting('manifest', 0)
  }

  /** What a user must act on is not tried again; the next tab may have more luck. */
  #fail(error: DurablyError): void {
    this.#quit()
    this.#tab.fail(error)
  }

  #quit(): void {
    this.#stop()?.terminate()
    this.#options.stepBack()
  }

  #stop(): WorkerLink | null {
    this.#stopTimer()
    const link = this.#lose()
    // No engine has read the note that this tab took away.
    if (this.#after.ownerLeft) noteDeparture(this.#tab.config.store)
    this.#say({ kind: 'leaving' })
    return link
  }

  /** No engine answers any more over the link that there was. */
  #lose(): WorkerLink | null {
    const link = this.#link
    this.#link = null
    this.#tab.session.detach()
    return link
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #say(message: BetweenPages): void {
    this.#said = message
    this.#tab.post(message)
  }
}

function pauseAfter(failures: number, longest: number): number {
  return Math.min(SHORTEST_PAUSE * 2 ** (failures - 1), longest)
}
