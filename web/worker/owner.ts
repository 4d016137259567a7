/** A tab's part while it owns the engine: keep a worker alive, and tell the other pages of it. */

import { DurablyError } from '../core/errors'
import { noteDeparture, takeDeparture } from './departure'
import type { BetweenPages, BootConfig, BootStage, SnapshotNotice } from './protocol'
import type { Part, Tab } from './tab'
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
  #deaths = 0
  #lastDeath: DurablyError | null = null
  #bornAt = 0

  constructor(tab: Tab, options: OwnerOptions) {
    this.#tab = tab
    this.#options = options
    this.#boot({ ownerLeft: takeDeparture(tab.config.store) })
  }

  hear(message: BetweenPages): void {
    if (message.kind === 'seek') this.#tab.post(this.#said)
    // The follower has asked the worker itself, which may be too busy to listen; this page shares
    // its memory, or can end it. Cancelling twice is cancelling, and it is the follower that is told.
    if (message.kind === 'cancel') {
      this.#tab.session.call('cancel', { runId: message.runId }).catch(() => {})
    }
  }

  leave(): void {
    if (this.#link !== null) noteDeparture(this.#tab.config.store)
    this.#quit()
  }

  async close(): Promise<void> {
    await this.#stop()?.close(this.#options.closeWithin ?? 6_000)
    this.#options.stepBack()
  }

  #boot(after: Pick<BootConfig, 'cancel' | 'ownerLeft'> = {}): void {
    const { session } = this.#tab
    const config = { ...this.#tab.config, ...after }
    const epoch = crypto.randomUUID()
    this.#booting('manifest', 0)
    this.#bornAt = Date.now()
    const worker = this.#makeWorker()
    if (worker === null) return
    const link = new WorkerLink(worker, config, epoch, {
      booting: (stage, elapsed) => this.#booting(stage, elapsed),
      ready: (info) => {
        this.#lastDeath = null
        this.#say({ kind: 'ready', epoch, info })
        this.#tab.show({ role: 'owner', boot: null, problem: null })
        session.attach(link)
        this.#tab.ready(info)
      },
      reply: (reply) => session.receive(reply),
      snapshot: (notice) => this.#options.onSnapshot?.(notice),
      fault: (error) => this.#options.onFault?.(error),
      failed: (error) => this.#fail(error),
      died: (error) => this.#died(error),
      hung: (runIds) => this.#hung(runIds),
    })
    this.#link = link
  }

  /** Their code heeds nothing: end it with its worker, and cancel them before any is claimed. */
  #hung(runIds: readonly string[]): void {
    this.#tab.session.detach()
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
    this.#say({ kind: 'booting', stage, elapsed })
    this.#tab.show({ role: 'owner', boot: { stage, elapsed }, problem: this.#lastDeath })
  }

  #died(error: DurablyError): void {
    this.#tab.session.detach()
    if (Date.now() - this.#bornAt > LONG_LIFE) this.#deaths = 0
    this.#deaths += 1
    this.#lastDeath = error
    if (this.#deaths >= MOST_DEATHS) {
      const message = `${this.#deaths} workers in a row have died, the last one so: ${error.message}`
      this.#fail(new DurablyError('worker_crashed', message))
      return
    }
    this.#booting('manifest', 0)
    const pause = Math.min(SHORTEST_PAUSE * 2 ** (this.#deaths - 1), LONGEST_PAUSE)
    this.#timer = setTimeout(() => this.#boot(), pause)
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
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#tab.session.detach()
    this.#say({ kind: 'leaving' })
    const link = this.#link
    this.#link = null
    return link
  }

  #say(message: BetweenPages): void {
    this.#said = message
    this.#tab.post(message)
  }
}
