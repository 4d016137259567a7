/** What every transport of this tab does with its session, whoever answers it. */

import type { DurablyError } from '../../core/errors'
import type { Delivered, Subscription } from '../../core/events'
import type { StoreArchive } from '../../core/store-archive'
import type { Operation, Operations, Transport, Unsubscribe } from '../../core/transport'
import type { BlobRef } from '../../core/types'
import { Session } from './session'

export abstract class SessionTransport implements Transport {
  protected readonly session = new Session()
  #closing: Promise<void> | null = null

  call<Op extends Operation>(
    op: Op,
    params: Operations[Op]['params'],
    signal?: AbortSignal,
  ): Promise<Operations[Op]['result']> {
    return this.session.call(op, params, signal)
  }

  subscribe<S extends Subscription>(
    subscription: S,
    listener: (message: Delivered<S>) => void,
    onEnd?: (error: DurablyError | null) => void,
  ): Unsubscribe {
    return this.session.subscribe(subscription, listener, onEnd)
  }

  putBlob(file: Blob, name?: string): Promise<BlobRef> {
    return this.session.putBlob(file, name)
  }

  readBlob(sha256: string): Promise<Blob> {
    return this.session.readBlob(sha256)
  }

  get archive(): StoreArchive {
    return this.session.archive
  }

  close(): Promise<void> {
    this.#closing ??= this.letGo()
    return this.#closing
  }

  /** Let go of the engine; called once. */
  protected abstract letGo(): Promise<void>
}
