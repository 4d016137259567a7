/** A worker without Python: it answers the protocol from a fake engine, over a real message channel. */

import { DurablyError } from '../../../web/core/errors'
import type { Transport, Unsubscribe } from '../../../web/core/transport'
import {
  BOOT_STAGES,
  type FromWorker,
  type Request,
  type ToWorker,
} from '../../../web/spa/bridge/protocol'
import { Followers, type Peer } from '../../../web/spa/worker/routes'
import type { FakeEngine } from './fake-engine'

/** When, and whether, the engine gets ready. */
export type BootPlan =
  | 'at once'
  | 'later'
  | 'never'
  | { readonly fails: DurablyError; readonly isPassing?: boolean }

export class FakeWorker extends EventTarget implements Worker {
  onmessage = null
  onmessageerror = null
  onerror = null
  /** Every message of its page, in order. */
  readonly received: ToWorker[] = []
  /** Every request of other tabs, in order. */
  readonly asked: Request[] = []
  isTerminated = false
  /** Takes requests, and never gets to them: as Python that computes, or a process that hangs. */
  isBusy = false
  readonly #channel = new MessageChannel()
  readonly #transport: Transport
  readonly #plan: BootPlan
  readonly #page: Peer = { post: (reply) => this.say(reply) }
  readonly #subscriptions = new Map<Peer, Map<number, Unsubscribe>>()
  #followers: Followers | null = null
  #waiting: Request[] = []
  #isReady = false

  constructor(engine: FakeEngine, plan: BootPlan = 'at once') {
    super()
    this.#transport = engine.connect()
    this.#plan = plan
    this.#channel.port1.onmessage = ({ data }) =>
      this.dispatchEvent(new MessageEvent('message', { data }))
    this.#channel.port2.onmessage = ({ data }: MessageEvent<ToWorker>) => this.#receive(data)
  }

  postMessage(message: ToWorker): void {
    this.#channel.port1.postMessage(message)
  }

  terminate(): void {
    if (this.isTerminated) return
    this.isTerminated = true
    this.#channel.port1.close()
    this.#followers?.close()
    void this.#transport.close()
  }

  /** Let the engine be ready, whatever the plan was. */
  makeReady(): void {
    for (const [elapsed, stage] of BOOT_STAGES.entries()) this.say({ kind: 'boot', stage, elapsed })
    const versions = { pythonVersion: '3.14.2', sqliteVersion: '3.39.0' }
    const info = { workerId: 'w', ...versions, bootedFrom: 'parts' as const, marks: {} }
    this.say({ kind: 'ready', info })
    this.#isReady = true
    for (const request of this.#waiting.splice(0)) void this.#handle(this.#page, request)
  }

  /** Send *message* to the page. */
  say(message: FromWorker): void {
    this.#channel.port2.postMessage(message)
  }

  /** Die as a worker does that throws outside of any call; without *message*, as one whose script did not come. */
  crash(message = ''): void {
    this.dispatchEvent(Object.assign(new Event('error'), { message }))
  }

  #receive(message: ToWorker): void {
    this.received.push(message)
    switch (message.kind) {
      case 'boot': {
        this.#followers = new Followers(message.config.store, message.epoch, {
          asked: (peer, request) => {
            this.asked.push(request)
            void this.#handle(peer, request)
          },
          gone: (peer) => this.#drop(peer),
        })
        if (this.#plan === 'at once') this.makeReady()
        else if (typeof this.#plan === 'object') {
          const { fails, isPassing = false } = this.#plan
          this.say({ kind: 'boot-failed', stage: 'storage', error: fails.toPayload(), isPassing })
        }
        break
      }
      case 'close':
        this.#followers?.close()
        this.say({ kind: 'closed' })
        break
      case 'call':
      case 'subscribe':
      case 'unsubscribe':
      case 'put-blob':
      case 'files':
        if (this.#isReady) void this.#handle(this.#page, message)
        else this.#waiting.push(message)
        break
    }
  }

  async #handle(peer: Peer, request: Request): Promise<void> {
    if (this.isBusy || this.isTerminated) return
    const { id } = request
    switch (request.kind) {
      case 'call':
        await this.#answer(peer, id, () => this.#transport.call(request.op, request.params))
        break
      case 'put-blob': {
        const ref = await this.#transport.putBlob(request.file, request.name)
        peer.post({ kind: 'blob', id, ref })
        break
      }
      case 'files': {
        const { work } = request
        await this.#answer(peer, id, async () =>
          work.act === 'read-blob' ? this.#transport.readBlob(work.sha256) : null,
        )
        break
      }
      case 'subscribe':
        this.#of(peer).set(
          id,
          this.#transport.subscribe(
            request.subscription,
            (event) => peer.post({ kind: 'events', id, events: [event] }),
            (error) => peer.post({ kind: 'ended', id, error: error?.toPayload() ?? null }),
          ),
        )
        break
      case 'unsubscribe':
        this.#of(peer).get(id)?.()
        break
    }
  }

  async #answer(peer: Peer, id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      peer.post({ kind: 'answer', id, ok: true, result: await work() })
    } catch (error) {
      if (!(error instanceof DurablyError)) throw error
      peer.post({ kind: 'answer', id, ok: false, error: error.toPayload() })
    }
  }

  #of(peer: Peer): Map<number, Unsubscribe> {
    const known = this.#subscriptions.get(peer) ?? new Map<number, Unsubscribe>()
    this.#subscriptions.set(peer, known)
    return known
  }

  #drop(peer: Peer): void {
    for (const stop of this.#of(peer).values()) stop()
    this.#subscriptions.delete(peer)
  }
}
