/** A transport over one worker, for a page that shares its store with no other tab. */

import type { BootProgress } from '../../core/connection'
import { DurablyError } from '../../core/errors'
import { told } from '../../core/told'
import type { Transport } from '../../core/transport'
import type { BootConfig, BootStage, ReadyInfo, SnapshotNotice } from '../bridge/protocol'
import { SessionTransport } from './session-transport'
import { WorkerLink } from './worker-link'

export interface WorkerTransportOptions {
  readonly onBoot?: (progress: BootProgress<BootStage>) => void
  /** Told what became of the memory snapshot that makes a boot short. */
  readonly onSnapshot?: (notice: SnapshotNotice) => void
  /** Told of what broke in the worker without a call that could be told. */
  readonly onFault?: (error: DurablyError) => void
  /** Milliseconds a worker may take to drain before it is ended. */
  readonly closeWithin?: number
}

export interface WorkerTransport extends Transport {
  /** Resolves when the engine runs. Calls made before wait for it; all reject if it never will. */
  readonly ready: Promise<ReadyInfo>
}

/** Boot the engine in what *worker* makes; a second one makes a memory snapshot. They belong to the transport. */
export function createWorkerTransport(
  worker: () => Worker,
  config: BootConfig,
  options: WorkerTransportOptions = {},
): WorkerTransport {
  return new OverWorker(worker, config, options)
}

class OverWorker extends SessionTransport implements WorkerTransport {
  readonly ready: Promise<ReadyInfo>
  readonly #link: WorkerLink
  readonly #closeWithin: number
  #rejectReady: (error: DurablyError) => void = () => {}

  constructor(worker: () => Worker, config: BootConfig, options: WorkerTransportOptions) {
    super()
    const { onBoot, onSnapshot, onFault, closeWithin = 6_000 } = options
    this.#closeWithin = closeWithin
    let resolveReady: (info: ReadyInfo) => void = () => {}
    this.ready = new Promise((resolve, reject) => {
      resolveReady = resolve
      this.#rejectReady = reject
    })
    // A page that only makes calls learns of a failed boot from them.
    this.ready.catch(() => {})
    this.#link = new WorkerLink(worker(), worker, config, crypto.randomUUID(), {
      booting: (stage, elapsed) => told(onBoot, { stage, elapsed }),
      ready: (info) => {
        this.session.attach(this.#link)
        resolveReady(info)
      },
      reply: (reply) => this.session.receive(reply),
      snapshot: (notice) => told(onSnapshot, notice),
      fault: (error) => told(onFault, error),
      failed: (error) => this.#end(error),
      died: (error) => this.#end(error),
      hung: ([runId]) =>
        this.#end(new DurablyError('worker_crashed', `run ${runId} has hung its worker`)),
    })
  }

  protected async letGo(): Promise<void> {
    if (this.session.isOver) return
    this.#end(new DurablyError('closed', 'this client was closed'))
    await this.#link.close(this.#closeWithin)
  }

  #end(error: DurablyError): void {
    this.#rejectReady(error)
    this.session.end(error)
  }
}
