/** Who asks an engine: its own page and the tabs that follow; and what each of them asked. */

import { Channel, engineChannel, followerChannel, followerLock, holdLock } from '../bridge/channels'
import type { FromFollower, Reply, Request } from '../bridge/protocol'

/** One of those who ask. */
export interface Peer {
  post(reply: Reply): void
}

export interface FollowersListener {
  asked(peer: Peer, request: Request): void
  /** The follower will hear nothing any more. */
  gone(peer: Peer): void
}

/** The tabs that follow the engine of one epoch, as its worker sees them. */
export class Followers {
  readonly #store: string
  readonly #listener: FollowersListener
  readonly #channel: Channel<FromFollower>
  readonly #peers = new Map<string, Channel<Reply>>()
  readonly #closing = new AbortController()

  constructor(store: string, epoch: string, listener: FollowersListener) {
    this.#store = store
    this.#listener = listener
    this.#channel = new Channel(engineChannel(store, epoch), ({ from, request }: FromFollower) =>
      listener.asked(this.#peer(from), request),
    )
  }

  close(): void {
    this.#closing.abort()
    this.#channel.close()
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
  }

  #peer(follower: string): Peer {
    const known = this.#peers.get(follower)
    if (known) return known
    const peer = new Channel<Reply>(followerChannel(this.#store, follower))
    this.#peers.set(follower, peer)
    void this.#watch(follower, peer)
    return peer
  }

  /** A follower holds its lock before it asks anything: who is granted it here has outlived it. */
  async #watch(follower: string, peer: Channel<Reply>): Promise<void> {
    try {
      const giveBack = await holdLock(followerLock(this.#store, follower), this.#closing.signal)
      giveBack()
    } catch {
      return // Closed: nobody is answered any more.
    }
    this.#peers.delete(follower)
    peer.close()
    this.#listener.gone(peer)
  }
}

/** Gives each request of each peer a number of its own, under which the engine answers. */
export class Routes {
  readonly #asked = new Map<number, { readonly peer: Peer; readonly id: number }>()
  #last = 0

  add(peer: Peer, id: number): number {
    this.#last += 1
    this.#asked.set(this.#last, { peer, id })
    return this.#last
  }

  /** Post to whom asked under *number*, with the id they know; nothing if they are gone. */
  reply(number: number, reply: (id: number) => Reply): void {
    const asked = this.#asked.get(number)
    asked?.peer.post(reply(asked.id))
  }

  /** Forget *number*: nothing more follows. */
  end(number: number): void {
    this.#asked.delete(number)
  }

  find(peer: Peer, id: number): number | null {
    for (const [number, asked] of this.#asked) {
      if (asked.peer === peer && asked.id === id) return number
    }
    return null
  }

  /** Forget all that *peer* asked; return the numbers. */
  drop(peer: Peer): readonly number[] {
    const numbers = [...this.#asked].flatMap(([number, asked]) =>
      asked.peer === peer ? [number] : [],
    )
    for (const number of numbers) this.end(number)
    return numbers
  }
}
