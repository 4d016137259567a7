/** A tab's way to the fake engine: only JSON crosses, and never before the caller has returned. */

import { DurablyError } from '../../../web/core/errors'
import type { Delivered, RunEvent, RunsSubscription, Subscription } from '../../../web/core/events'
import type { Operation, Operations, Transport, Unsubscribe } from '../../../web/core/transport'
import type { BlobRef, ClientRun, LogEntry } from '../../../web/core/types'

/** What stands behind the transport. */
export interface FakeHost {
  readonly sequence: number
  answer<Op extends Operation>(op: Op, params: Operations[Op]['params']): Operations[Op]['result']
  run(runId: string): ClientRun
  logs(runId: string): readonly LogEntry[]
  active(subscription: RunsSubscription): readonly ClientRun[]
  disconnect(transport: FakeTransport): void
}

interface Open {
  readonly subscription: Subscription
  readonly listener: (message: never) => void
  readonly onEnd: ((error: DurablyError | null) => void) | undefined
  isOpen: boolean
}

const LAST_EVENTS: ReadonlySet<RunEvent['type']> = new Set([
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
])

export class FakeTransport implements Transport {
  readonly #engine: FakeHost
  readonly #open = new Set<Open>()
  readonly #kept = new Map<string, Blob>()
  #isClosed = false

  constructor(engine: FakeHost) {
    this.#engine = engine
  }

  get subscriptions(): readonly Subscription[] {
    return [...this.#open].map(({ subscription }) => subscription)
  }

  async call<Op extends Operation>(
    op: Op,
    params: Operations[Op]['params'],
    signal?: AbortSignal,
  ): Promise<Operations[Op]['result']> {
    await Promise.resolve()
    if (signal?.aborted) throw new DurablyError('aborted', `${op} was aborted`)
    this.#demandOpen()
    return copy(this.#engine.answer(op, copy(params)))
  }

  subscribe<S extends Subscription>(
    subscription: S,
    listener: (message: Delivered<S>) => void,
    onEnd?: (error: DurablyError | null) => void,
  ): Unsubscribe {
    const open: Open = { subscription, listener, onEnd, isOpen: true }
    this.#open.add(open)
    this.#greet(open)
    return () => {
      open.isOpen = false
      this.#open.delete(open)
    }
  }

  async putBlob(file: Blob, name = 'blob'): Promise<BlobRef> {
    this.#demandOpen()
    const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer())
    const sha256 = Buffer.from(digest).toString('hex')
    this.#kept.set(sha256, file)
    return { sha256, size: file.size, name, mediaType: file.type }
  }

  async readBlob(sha256: string): Promise<Blob> {
    this.#demandOpen()
    const file = this.#kept.get(sha256)
    if (!file) throw new DurablyError('not_found', `no file has the hash ${sha256}`)
    return file
  }

  async close(): Promise<void> {
    this.endAll(new DurablyError('closed', 'the client was closed'))
    this.#isClosed = true
    this.#engine.disconnect(this)
  }

  /** The first message of every subscription, again after a change of engine. */
  greet(): void {
    for (const open of this.#open) this.#greet(open)
  }

  deliver(event: RunEvent): void {
    for (const open of this.#open) {
      if (!selects(open.subscription, event)) continue
      this.#send(open, event)
      if ('runId' in open.subscription && LAST_EVENTS.has(event.type)) this.#end(open, null)
    }
  }

  endAll(error: DurablyError): void {
    for (const open of this.#open) this.#end(open, error)
  }

  #greet(open: Open): void {
    const { subscription } = open
    const { sequence } = this.#engine
    if (this.#isClosed) {
      this.#end(open, new DurablyError('closed', 'the client was closed'))
    } else if (!('runId' in subscription)) {
      this.#send(open, { type: 'snapshot', sequence, runs: this.#engine.active(subscription) })
    } else {
      try {
        const run = this.#engine.run(subscription.runId)
        this.#send(open, { type: 'snapshot', sequence, run, logs: this.#engine.logs(run.id) })
        if (run.isTerminal) this.#end(open, null)
      } catch (error) {
        if (error instanceof DurablyError) this.#end(open, error)
      }
    }
  }

  #send(open: Open, message: unknown): void {
    const text = JSON.stringify(message)
    queueMicrotask(() => {
      if (open.isOpen) (open.listener as (message: unknown) => void)(JSON.parse(text))
    })
  }

  #end(open: Open, error: DurablyError | null): void {
    this.#open.delete(open)
    queueMicrotask(() => {
      if (!open.isOpen) return
      open.isOpen = false
      open.onEnd?.(error)
    })
  }

  #demandOpen(): void {
    if (this.#isClosed) throw new DurablyError('closed', 'the client was closed')
  }
}

function selects(subscription: Subscription, event: RunEvent): boolean {
  const { types } = subscription
  if ('runId' in subscription) {
    const wanted = types === undefined || types.includes(event.type) || LAST_EVENTS.has(event.type)
    return wanted && event.runId === subscription.runId
  }
  const { jobName, labels = {} } = subscription
  if (types !== undefined && !types.includes(event.type)) return false
  if (event.type === 'worker:error') return true
  return (
    (jobName === undefined || [jobName].flat().includes(event.jobName)) &&
    Object.entries(labels).every(([key, value]) => event.labels[key] === value)
  )
}

function copy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value))
}
