/** What a tab has asked and follows. Outlives the link: with the next engine it goes on. */

import { DurablyError } from '../../core/errors'
import type { Delivered, Subscription } from '../../core/events'
import type { StoreArchive } from '../../core/store-archive'
import { told } from '../../core/told'
import type { Operation, Operations, Transport, Unsubscribe } from '../../core/transport'
import type { BlobRef } from '../../core/types'
import { unreachable } from '../bridge/failure'
import type { Reply, Request } from '../bridge/protocol'
import { asJson, notSerializable } from './as-json'

/** The way to one engine, as a session uses it. It ends with the engine, or before. */
export interface Link {
  post(request: Request): void
}

export interface LinkListener {
  reply(reply: Reply): void
}

/** A call that this many engines were given and did not survive is taken to be the cause. */
const MOST_ENGINES = 5

type Asked = Extract<Request, { readonly kind: 'call' | 'put-blob' | 'files' }>

interface Pending {
  readonly request: Asked
  engines: number
  resolve(result: unknown): void
  reject(error: DurablyError): void
}

interface Listener {
  readonly subscription: Subscription
  /** Whether the engine of this link has said anything to it. */
  isAnswered: boolean
  deliver(message: unknown): void
  end(error: DurablyError | null): void
}

/** A transport over whichever link is attached; without one, what is asked waits. */
export class Session implements Omit<Transport, 'connection' | 'close'> {
  readonly archive: StoreArchive = {
    exportStore: () => this.#ask((id) => ({ kind: 'files', id, work: { act: 'export' } })),
    importStore: (file) =>
      this.#ask((id) => ({ kind: 'files', id, work: { act: 'import', file } })),
    resetStore: () => this.#ask((id) => ({ kind: 'files', id, work: { act: 'reset' } })),
  }
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Map<number, Listener>()
  #link: Link | null = null
  #lastId = 0
  #hasAsked = false
  /** Why nothing can be asked any more. */
  #over: DurablyError | null = null

  get isOver(): boolean {
    return this.#over !== null
  }

  /** Whether the engine owes an answer, or a subscription its first message. */
  get isWaiting(): boolean {
    return (
      this.#pending.size > 0 || [...this.#listeners.values()].some(({ isAnswered }) => !isAnswered)
    )
  }

  call<Op extends Operation>(
    op: Op,
    params: Operations[Op]['params'],
    signal?: AbortSignal,
  ): Promise<Operations[Op]['result']> {
    if (op === 'trigger' || op === 'batchTrigger') this.#askToPersist()
    const json = asJson(params)
    if (json instanceof DurablyError) return Promise.reject(json)
    // A generic `op` and its `params` are a `Call`, which the compiler cannot follow.
    return this.#ask((id) => ({ kind: 'call', id, op, params: json }) as Asked, signal)
  }

  subscribe<S extends Subscription>(
    subscription: S,
    listener: (message: Delivered<S>) => void,
    onEnd: (error: DurablyError | null) => void = () => {},
  ): Unsubscribe {
    const json = this.#over ?? asJson(subscription)
    if (json instanceof DurablyError) {
      let isWanted = true
      queueMicrotask(() => {
        if (isWanted) onEnd(json)
      })
      return () => {
        isWanted = false
      }
    }
    this.#lastId += 1
    const id = this.#lastId
    this.#listeners.set(id, {
      subscription: json,
      isAnswered: false,
      deliver: (message) => listener(message as Delivered<S>),
      end: onEnd,
    })
    this.#link?.post({ kind: 'subscribe', id, subscription: json })
    return () => {
      if (this.#listeners.delete(id)) this.#link?.post({ kind: 'unsubscribe', id })
    }
  }

  putBlob(file: Blob, name?: string): Promise<BlobRef> {
    const given = name ?? (file instanceof File ? file.name : 'blob')
    return this.#ask((id) => ({ kind: 'put-blob', id, file, name: given }))
  }

  readBlob(sha256: string): Promise<Blob> {
    return this.#ask((id) => ({ kind: 'files', id, work: { act: 'read-blob', sha256 } }))
  }

  /** Go on over *link*: repeat what is not answered, and follow anew what was followed. */
  attach(link: Link): void {
    if (this.#over) return
    this.#link = link
    // In the order of the ids: who follows a run that they just triggered must not come first.
    const ids = [...this.#pending.keys(), ...this.#listeners.keys()].sort((a, b) => a - b)
    for (const id of ids) {
      const pending = this.#pending.get(id)
      const listener = this.#listeners.get(id)
      if (pending) this.#send(pending)
      if (listener) {
        listener.isAnswered = false
        link.post({ kind: 'subscribe', id, subscription: listener.subscription })
      }
    }
  }

  /** The engine of the link is gone; what is asked waits for the next one. */
  detach(): void {
    this.#link = null
  }

  /** Take a reply of the link that is attached. */
  receive(reply: Reply): void {
    switch (reply.kind) {
      case 'answer': {
        const pending = this.#pending.get(reply.id)
        if (reply.ok) pending?.resolve(reply.result)
        else pending?.reject(DurablyError.from(reply.error))
        break
      }
      case 'blob':
        this.#pending.get(reply.id)?.resolve(reply.ref)
        break
      case 'events':
        for (const event of reply.events) this.#deliver(reply.id, event)
        break
      case 'ended': {
        const listener = this.#listeners.get(reply.id)
        this.#listeners.delete(reply.id)
        told(listener?.end, reply.error && DurablyError.from(reply.error))
        break
      }
      default:
        unreachable(reply)
    }
  }

  /** End everything that waits, and whatever is asked later, with *error*. */
  end(error: DurablyError): void {
    if (this.#over) return
    this.#over = error
    this.#link = null
    for (const pending of [...this.#pending.values()]) pending.reject(error)
    const listeners = [...this.#listeners.values()]
    this.#listeners.clear()
    for (const { end } of listeners) told(end, error)
  }

  #ask<T>(request: (id: number) => Asked, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over
      if (signal?.aborted) throw aborted(signal)
      this.#lastId += 1
      const id = this.#lastId
      const settle = () => {
        this.#pending.delete(id)
        signal?.removeEventListener('abort', abort)
      }
      const abort = () => {
        settle()
        reject(aborted(signal))
      }
      const pending: Pending = {
        request: request(id),
        engines: 0,
        resolve: (result) => {
          settle()
          resolve(result as T)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      this.#pending.set(id, pending)
      signal?.addEventListener('abort', abort)
      this.#send(pending)
    })
  }

  #send(pending: Pending): void {
    if (!this.#link) return
    pending.engines += 1
    const { request, engines } = pending
    if (engines > 1 && isDestructive(request)) {
      pending.reject(unknownOutcome(request.work.act))
    } else if (engines > MOST_ENGINES) {
      const what = request.kind === 'call' ? request.op : request.kind
      const message = `${MOST_ENGINES} engines in a row ended before they answered ${what}`
      pending.reject(new DurablyError('worker_crashed', message))
    } else {
      const isRepeated = engines > 1 && request.kind === 'call'
      try {
        this.#link.post(isRepeated ? { ...request, repeated: true } : request)
      } catch (cause) {
        // Only a file can be one that is not to be posted. It must not stop what comes after it.
        pending.reject(notSerializable(cause))
      }
    }
  }

  /** Now the site has something to lose; a browser may ask the user. */
  #askToPersist(): void {
    if (this.#hasAsked) return
    this.#hasAsked = true
    // The answer is in health; without it the store works just as well, until space is short.
    // A worker's types, which this file is checked with too, do not know of it.
    // Nor is there a navigator in a test without a page.
    const storage: (StorageManager & { persist?(): Promise<boolean> }) | undefined =
      globalThis.navigator?.storage
    storage?.persist?.().catch(() => {})
  }

  /** One by one: a listener may end its own subscription. */
  #deliver(id: number, event: unknown): void {
    const listener = this.#listeners.get(id)
    if (!listener) return
    listener.isAnswered = true
    told(listener.deliver, event)
  }
}

type Destructive = Extract<Asked, { readonly kind: 'files' }> & {
  readonly work: { readonly act: 'import' | 'reset' }
}

/** Whether doing *request* once more would take away what was acknowledged since. */
function isDestructive(request: Asked): request is Destructive {
  return request.kind === 'files' && (request.work.act === 'import' || request.work.act === 'reset')
}

function unknownOutcome(act: 'import' | 'reset'): DurablyError {
  return new DurablyError(
    'worker_crashed',
    `this tab lost its engine before that had answered ${act}: it is not known whether it was done; look, then ask again`,
  )
}

function aborted(signal: AbortSignal | undefined): DurablyError {
  return new DurablyError('aborted', 'the call was aborted', { cause: signal?.reason })
}
