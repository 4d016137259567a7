/** How this tab reaches the engine, and how the engine is, as one value. */

import { Coalesced } from './coalesced'
import { type Connection, REMOTE } from './connection'
import type { EventType } from './events'
import type { Health, Transport, Unsubscribe } from './transport'
import { Watched } from './watched'

export interface EngineStatus extends Connection {
  /** Null until the engine has been asked. */
  readonly health: Health | null
}

/** Each of these shows that the database takes writes again. */
const SIGNS_OF_LIFE: readonly EventType[] = [
  'run:trigger',
  'run:leased',
  'run:complete',
  'run:fail',
  'step:complete',
]

/**
 * Watches connection and health while someone listens. Shape fits `useSyncExternalStore`.
 *
 * Health is asked for when an engine is there, when it reports a fault, and until that is over;
 * never by the clock.
 */
export class StatusStore {
  readonly #transport: Transport
  readonly #status: Watched<EngineStatus>
  /** An answer is never older than the last reason to ask. */
  readonly #asking = new Coalesced((signal) => this.#ask(signal), 0)
  #stops: Unsubscribe[] = []
  #stopSigns: Unsubscribe | null = null

  constructor(transport: Transport) {
    this.#transport = transport
    this.#status = new Watched<EngineStatus>(
      { ...this.#connection(), health: null },
      { open: () => this.#open(), close: () => this.#close() },
    )
  }

  readonly getSnapshot = (): EngineStatus => {
    if (!this.#status.isWatched) this.#takeConnection()
    return this.#status.getSnapshot()
  }

  readonly subscribe = (listener: () => void): Unsubscribe => this.#status.subscribe(listener)

  #connection(): Connection {
    return this.#transport.connection?.getSnapshot() ?? REMOTE
  }

  #open(): void {
    const { connection } = this.#transport
    this.#stops = [
      // A snapshot comes first, also after a change of engine.
      this.#transport.subscribe({ types: ['worker:error'] }, () => this.#asking.request()),
      ...(connection ? [connection.subscribe(() => this.#takeConnection())] : []),
    ]
    this.#takeConnection()
  }

  #close(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#asking.stop()
    this.#stopSigns?.()
    this.#stopSigns = null
  }

  #takeConnection(): void {
    const { role, boot, problem } = this.#connection()
    const known = this.#status.getSnapshot()
    if (role === known.role && boot === known.boot && problem === known.problem) return
    this.#status.set({ ...known, role, boot, problem })
  }

  async #ask(signal: AbortSignal): Promise<void> {
    // An engine that cannot be asked shows in `problem`.
    const health = await this.#transport.call('health', {}).catch(() => null)
    if (health !== null && !signal.aborted) this.#takeHealth(health)
  }

  #takeHealth(health: Health): void {
    this.#status.set({ ...this.#status.getSnapshot(), health })
    if (health.state === 'ok') {
      this.#stopSigns?.()
      this.#stopSigns = null
      return
    }
    this.#stopSigns ??= this.#transport.subscribe({ types: SIGNS_OF_LIFE }, (message) => {
      if (message.type !== 'snapshot') this.#asking.request()
    })
  }
}
