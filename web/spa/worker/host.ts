/** The worker's half: boots, and hands what its page and the following tabs ask to Python. */

import { DurablyError } from '../../core/errors'
import { toPayload, unreachable } from '../bridge/failure'
import type {
  BootConfig,
  FileWork,
  FromWorker,
  Reply,
  Request,
  SnapshotNotice,
  ToWorker,
} from '../bridge/protocol'
import { type Booted, BootFailure, boot } from './boot'
import type { DispatchKind } from './engine'
import { type AskPython, doFileWork, storageFigures } from './file-work'
import { keepSnapshot } from './memory/errand'
import { Followers, type Peer, Routes } from './routes'

/** Routes count from 1. */
const STOP_ID = 0
/** Milliseconds a drain may take before the files are closed anyway: nothing acknowledged is lost. */
const LONGEST_DRAIN = 5_000

type Scope = Pick<DedicatedWorkerGlobalScope, 'postMessage' | 'addEventListener'>

/** Start the host in *scope*. Listens before it awaits anything: an early message would be lost. */
export function startHost(scope: Scope): void {
  const host = new Host((message) => scope.postMessage(message))
  scope.addEventListener('message', (event: MessageEvent<ToWorker>) => host.receive(event.data))
  scope.addEventListener('error', (event) => {
    // Told as a message; left alone it would look to the page like the end of the worker.
    event.preventDefault()
    host.fault(event.error ?? event.message, false)
  })
  scope.addEventListener('unhandledrejection', (event) => {
    event.preventDefault()
    host.fault(event.reason, false)
  })
}

class Host {
  readonly #post: (message: FromWorker) => void
  /** The page that made this worker. */
  readonly #page: Peer
  readonly #routes = new Routes()
  #followers: Followers | null = null
  /** What the page asked before the engine was ready. */
  #waiting: Request[] = []
  #booted: Booted | null = null
  #stopped: () => void = () => {}
  #state: 'new' | 'booting' | 'ready' | 'closing' = 'new'

  constructor(post: (message: FromWorker) => void) {
    this.#post = post
    this.#page = { post }
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'boot':
        void this.#boot(message.config, message.epoch)
        break
      case 'make-snapshot':
        void this.#keepSnapshot(message.manifestUrl)
        break
      case 'snapshot-over':
        this.#booted?.snapshotOver()
        break
      case 'close':
        void this.#close()
        break
      default:
        if (this.#booted) this.#handle(this.#page, message, this.#booted)
        else this.#waiting.push(message)
    }
  }

  fault(error: unknown, fatal: boolean): void {
    this.#post({ kind: 'fault', fatal, error: toPayload(error, 'internal') })
  }

  #snapshot(notice: SnapshotNotice): void {
    this.#post({ kind: 'snapshot', notice })
  }

  async #keepSnapshot(manifestUrl: string): Promise<void> {
    try {
      await keepSnapshot(manifestUrl, (notice) => this.#snapshot(notice))
    } catch (error) {
      this.fault(error, false)
    }
    this.#post({ kind: 'rehearsed' })
  }

  async #boot(config: BootConfig, epoch: string): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'booting'
    try {
      // Listens long before it is told of: a request that came too early would be lost.
      this.#followers = new Followers(config.store, epoch, {
        asked: (peer, request) => {
          if (this.#booted) this.#handle(peer, request, this.#booted)
        },
        gone: (peer) => this.#drop(peer),
      })
      this.#booted = await boot(config, {
        stage: (stage, elapsed) => this.#post({ kind: 'boot', stage, elapsed }),
        emit: (kind, id, text) => this.#emit(kind, id, text),
        snapshot: (notice) => this.#snapshot(notice),
        wantsSnapshot: (isWanted) => this.#post({ kind: 'snapshot-wanted', isWanted }),
        fault: (error, fatal) => this.fault(error, fatal),
      })
      this.#state = 'ready'
      this.#post({ kind: 'ready', info: this.#booted.info })
      for (const request of this.#waiting.splice(0)) this.receive(request)
    } catch (error) {
      this.#followers?.close()
      const { stage, payload, isPassing } =
        error instanceof BootFailure ? error : new BootFailure('ready', error)
      this.#post({ kind: 'boot-failed', stage, error: payload, isPassing })
    }
  }

  #handle(peer: Peer, request: Request, booted: Booted): void {
    // Who asks an engine that is closing gets the answer of the next one.
    if (this.#state !== 'ready') return
    switch (request.kind) {
      case 'call': {
        const { op, params, repeated = false } = request
        if (op === 'health') {
          void this.#health(peer, request.id, booted)
          break
        }
        const number = this.#routes.add(peer, request.id)
        this.#dispatch(booted, 'call', number, { op, params, repeated })
        break
      }
      case 'subscribe': {
        const number = this.#routes.add(peer, request.id)
        this.#dispatch(booted, 'subscribe', number, request.subscription)
        break
      }
      case 'unsubscribe': {
        const number = this.#routes.find(peer, request.id)
        if (number === null) break
        this.#routes.end(number)
        booted.engine.dispatch('unsubscribe', number, '')
        break
      }
      case 'put-blob': {
        const number = this.#routes.add(peer, request.id)
        void this.#putBlob(number, request.file, request.name, booted)
        break
      }
      case 'files': {
        const number = this.#routes.add(peer, request.id)
        void this.#doFileWork(number, request.work, booted)
        break
      }
      default:
        unreachable(request)
    }
  }

  #dispatch(booted: Booted, kind: DispatchKind, number: number, content: unknown): void {
    try {
      booted.engine.dispatch(kind, number, JSON.stringify(content))
    } catch (thrown) {
      const error = toPayload(thrown, 'internal')
      if (kind === 'subscribe') this.#last(number, (id) => ({ kind: 'ended', id, error }))
      else this.#last(number, (id) => ({ kind: 'answer', id, ok: false, error }))
    }
  }

  #emit(kind: 'answer' | 'events' | 'ended', number: number, text: string): void {
    switch (kind) {
      case 'answer':
        if (number === STOP_ID) this.#stopped()
        else this.#last(number, (id) => ({ kind: 'answer', id, ...JSON.parse(text) }))
        break
      case 'events':
        this.#routes.reply(number, (id) => ({ kind: 'events', id, events: JSON.parse(text) }))
        break
      case 'ended':
        this.#last(number, (id) => ({ kind: 'ended', id, error: JSON.parse(text) }))
        break
      default:
        unreachable(kind)
    }
  }

  /** Reply for the last time to what was asked under *number*. */
  #last(number: number, reply: (id: number) => Reply): void {
    this.#routes.reply(number, reply)
    this.#routes.end(number)
  }

  /** Stop telling a tab that is gone; what it asked for is done all the same. */
  #drop(peer: Peer): void {
    for (const number of this.#routes.drop(peer)) {
      if (this.#state === 'ready') this.#booted?.engine.dispatch('unsubscribe', number, '')
    }
  }

  async #putBlob(number: number, file: Blob, name: string, booted: Booted): Promise<void> {
    try {
      const ref = await booted.storage.blobs.put(file, name)
      this.#last(number, (id) => ({ kind: 'blob', id, ref }))
    } catch (thrown) {
      const error = toPayload(thrown, 'blob_failed')
      this.#last(number, (id) => ({ kind: 'answer', id, ok: false, error }))
    }
  }

  async #doFileWork(number: number, work: FileWork, booted: Booted): Promise<void> {
    const { storage, scratch } = booted
    const ask: AskPython = (content) => this.#ask(booted, 'files', content)
    try {
      const result = await doFileWork(work, storage.blobs, scratch, ask)
      this.#last(number, (id) => ({ kind: 'answer', id, ok: true, result }))
    } catch (thrown) {
      const error = toPayload(thrown, 'internal')
      this.#last(number, (id) => ({ kind: 'answer', id, ok: false, error }))
    }
  }

  /** Python knows the engine, the browser knows the space. */
  async #health(peer: Peer, id: number, booted: Booted): Promise<void> {
    const number = this.#routes.add(peer, id)
    try {
      const content = { op: 'health', params: {} }
      const [health, storage] = await Promise.all([
        this.#ask(booted, 'call', content),
        storageFigures(),
      ])
      const { lostSince } = booted
      const lost = lostSince === null ? {} : { lostSince }
      const result = { ...Object(health), storage: { ...storage, ...lost } }
      this.#last(number, (asked) => ({ kind: 'answer', id: asked, ok: true, result }))
    } catch (thrown) {
      const error = toPayload(thrown, 'internal')
      this.#last(number, (asked) => ({ kind: 'answer', id: asked, ok: false, error }))
    }
  }

  /** Ask Python on the host's own account. */
  #ask(booted: Booted, kind: 'call' | 'files', content: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const host: Peer = {
        post: (reply) => {
          if (reply.kind !== 'answer') return
          if (reply.ok) resolve(reply.result)
          else reject(DurablyError.from(reply.error))
        },
      }
      this.#dispatch(booted, kind, this.#routes.add(host, 0), content)
    })
  }

  async #close(): Promise<void> {
    this.#followers?.close()
    if (!this.#booted) {
      // Nothing to drain yet. The page ends the worker, which frees what the boot had opened.
      this.#post({ kind: 'closed' })
      return
    }
    const { engine, storage } = this.#booted
    this.#state = 'closing'
    try {
      const stopped = new Promise<void>((resolve) => {
        this.#stopped = resolve
        setTimeout(resolve, LONGEST_DRAIN)
      })
      engine.dispatch('stop', STOP_ID, '')
      await stopped
      engine.close()
    } finally {
      storage.close()
      this.#post({ kind: 'closed' })
    }
  }
}
