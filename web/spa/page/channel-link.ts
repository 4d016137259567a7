/** A follower's link: over channels, straight to the worker of the tab that owns the engine. */

import { Channel, engineChannel, followerChannel, followerLock, holdLock } from '../bridge/channels'
import type { FromFollower, Reply, Request } from '../bridge/protocol'
import type { Link, LinkListener } from './session'

export class ChannelLink implements Link {
  /** Who asks; a new name for each link, so that no late reply can be taken for another. */
  readonly #name = crypto.randomUUID()
  readonly #engine: Channel<FromFollower>
  readonly #own: Channel<Reply>
  readonly #closing = new AbortController()
  /** What is asked before the lock is held; null once it is. */
  #waiting: Request[] | null = []

  constructor(store: string, epoch: string, listener: LinkListener) {
    this.#engine = new Channel(engineChannel(store, epoch))
    this.#own = new Channel(followerChannel(store, this.#name), (reply: Reply) => {
      if (!this.#closing.signal.aborted) listener.reply(reply)
    })
    void this.#open(store)
  }

  post(request: Request): void {
    if (this.#waiting) this.#waiting.push(request)
    else this.#engine.post({ from: this.#name, request })
  }

  /** Ask nothing more, and let the worker know. */
  close(): void {
    this.#closing.abort()
    this.#engine.close()
    this.#own.close()
  }

  /** The worker takes this tab for gone when it is granted the tab's lock. */
  async #open(store: string): Promise<void> {
    const { signal } = this.#closing
    try {
      const giveBack = await holdLock(followerLock(store, this.#name), signal)
      if (signal.aborted) giveBack()
      else signal.addEventListener('abort', giveBack)
    } catch {
      return // Closed before it was open.
    }
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const request of waiting) this.post(request)
  }
}
