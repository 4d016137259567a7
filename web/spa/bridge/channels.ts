/** Names of what the tabs of a store share: channels to speak on, locks that show who lives. */

/** Pages speak of the owner here. */
export const pagesChannel = (store: string): string => `durably:${store}`

/** One engine listens to its followers here; the next engine has another epoch. */
export const engineChannel = (store: string, epoch: string): string =>
  `durably:${store}:engine:${epoch}`

/** One follower listens to its engine here. */
export const followerChannel = (store: string, follower: string): string =>
  `durably:${store}:follower:${follower}`

/** Held by the page that owns the engine. */
export const ownerLock = (store: string): string => `durably:${store}:owner`

/** Held by a follower as long as it follows. */
export const followerLock = (store: string, follower: string): string =>
  `durably:${store}:follows:${follower}`

/** A `BroadcastChannel` on which only one type of message is sent. */
export class Channel<Message> {
  readonly #channel: BroadcastChannel
  #isClosed = false

  constructor(name: string, listener: (message: Message) => void = () => {}) {
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = (event: MessageEvent<Message>) => listener(event.data)
  }

  /** Send *message* to all others; nothing after the close. */
  post(message: Message): void {
    if (!this.#isClosed) this.#channel.postMessage(message)
  }

  close(): void {
    this.#isClosed = true
    this.#channel.close()
  }
}

/**
 * Wait for the exclusive lock *name*; resolve with how to give it back. It is given back, too,
 * when the page or worker that holds it ends, however it ends. Rejects when *signal* aborts.
 */
export function holdLock(name: string, signal?: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, signal ? { signal } : {}, () => new Promise<void>(resolve))
      .catch(reject)
  })
}
