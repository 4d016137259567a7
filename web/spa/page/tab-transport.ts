/** A tab's transport: the same whether the engine runs in this tab or in another. */

import type { BootProgress, Connection } from '../../core/connection'
import { DurablyError } from '../../core/errors'
import { told } from '../../core/told'
import { Watched } from '../../core/watched'
import { Channel, pagesChannel } from '../bridge/channels'
import type {
  BetweenPages,
  BootConfig,
  BootStage,
  ReadyInfo,
  SnapshotNotice,
} from '../bridge/protocol'
import { Follower, HANDING_OVER } from './follower'
import { Owner } from './owner'
import { electOwner } from './ownership'
import { watchPageLife } from './page-life'
import type { Part, Tab } from './part'
import type { Session } from './session'
import { SessionTransport } from './session-transport'

export interface TabCallbacks {
  /** Told of each stage of a boot, in this tab or in the owner's. */
  readonly onBoot?: (progress: BootProgress<BootStage>) => void
  /** Told at once and of each change, also before there is an engine. */
  readonly onConnection?: (connection: Connection) => void
  /** Told what became of the memory snapshot that makes a boot short. */
  readonly onSnapshot?: (notice: SnapshotNotice) => void
  /** Told each time that an engine answers this tab: the first one, and each one after it. */
  readonly onReady?: (info: ReadyInfo) => void
  /** Told of what broke in the worker without a call that could be told. */
  readonly onFault?: (error: DurablyError) => void
  /** Milliseconds a worker may take to drain before it is ended. */
  readonly closeWithin?: number
}

export interface TabOptions extends TabCallbacks {
  /** Makes a worker, a new one at each call; called only while this tab owns the engine. */
  readonly worker: () => Worker
}

export class TabTransport extends SessionTransport {
  /** Resolves when an engine answers for the first time; rejects if none ever will. */
  readonly ready: Promise<ReadyInfo>
  readonly connection = new Watched(HANDING_OVER)
  readonly #config: BootConfig
  readonly #options: TabOptions
  readonly #stopWatching: () => void
  #membership: Membership | null = null
  #hasWorked = false
  #resolveReady: (info: ReadyInfo) => void = () => {}
  #rejectReady: (error: DurablyError) => void = () => {}

  constructor(config: BootConfig, options: TabOptions) {
    super()
    this.#config = config
    this.#options = options
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve
      this.#rejectReady = reject
    })
    // A page that only makes calls learns of a failed boot from them.
    this.ready.catch(() => {})
    this.#stopWatching = watchPageLife({
      aside: () => this.#leave(),
      back: () => this.#join(),
      seen: () => this.#membership?.look(),
    })
    this.#join()
  }

  protected async letGo(): Promise<void> {
    const membership = this.#membership
    try {
      this.#end(new DurablyError('closed', 'this client was closed'))
    } finally {
      await membership?.close()
    }
  }

  #join(): void {
    if (this.#membership !== null || this.session.isOver) return
    this.#membership = new Membership(this.#config, this.session, this.#options, {
      show: (connection) => this.#show(connection),
      hasWorked: () => this.#hasWorked,
      ready: (info) => {
        this.#hasWorked = true
        this.#resolveReady(info)
        told(this.#options.onReady, info)
      },
      fail: (error) => {
        this.#leave()
        this.#end(error)
        this.#show({ role: 'handing-over', boot: null, problem: error })
      },
    })
  }

  #leave(): void {
    const membership = this.#membership
    if (membership === null) return
    this.#membership = null
    membership.leave()
    this.#show(HANDING_OVER)
  }

  #end(error: DurablyError): void {
    this.#membership = null
    this.#stopWatching()
    this.#rejectReady(error)
    this.session.end(error)
  }

  #show(connection: Connection): void {
    const { boot } = connection
    if (boot !== null && boot.stage !== this.connection.getSnapshot().boot?.stage) {
      told(this.#options.onBoot, boot as BootProgress<BootStage>)
    }
    this.connection.set(connection)
    told(this.#options.onConnection, connection)
  }
}

/** One stay of a tab in its store: from when it joins until it is put aside or closed. */
class Membership {
  readonly #pages: Channel<BetweenPages>
  readonly #leaving = new AbortController()
  #part: Part

  constructor(
    config: BootConfig,
    session: Session,
    options: TabOptions,
    hooks: Pick<Tab, 'hasWorked' | 'show' | 'ready' | 'fail'>,
  ) {
    this.#pages = new Channel(pagesChannel(config.store), (message: BetweenPages) =>
      this.#part.hear(message),
    )
    const tab: Tab = {
      ...hooks,
      config,
      session,
      post: (message) => this.#pages.post(message),
    }
    this.#part = new Follower(tab)
    void this.#own(tab, options)
  }

  look(): void {
    this.#part.look()
  }

  leave(): void {
    this.#leaving.abort()
    this.#part.leave()
    this.#pages.close()
  }

  async close(): Promise<void> {
    this.#leaving.abort()
    await this.#part.close()
    this.#pages.close()
  }

  async #own(tab: Tab, options: TabOptions): Promise<void> {
    const { signal } = this.#leaving
    let stepBack: () => void
    try {
      stepBack = await electOwner(tab.config.store, signal)
    } catch (cause) {
      // Else it was left before it was this tab's turn.
      if (!signal.aborted) tab.fail(lockless(cause))
      return
    }
    if (signal.aborted) {
      stepBack()
      return
    }
    this.#part.leave()
    this.#part = new Owner(tab, { ...options, stepBack })
  }
}

function lockless(cause: unknown): DurablyError {
  const message = `the browser refuses its locks (${cause}): allow this site to store data, or open it outside of a frame`
  return new DurablyError('opfs_unavailable', message, { cause })
}
