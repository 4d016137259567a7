/** The owner's link: straight to the worker that it made. */

import { DurablyError } from '../../core/errors'
import { unreachable } from '../bridge/failure'
import type {
  BootConfig,
  BootStage,
  FromWorker,
  ReadyInfo,
  Request,
  SnapshotNotice,
  ToWorker,
  Unanswered,
} from '../bridge/protocol'
import { Canceller, Stopper } from './cancels'
import { SnapshotMaker } from './memory-maker'
import type { Link, LinkListener } from './session'

export interface WorkerListener extends LinkListener {
  /** A stage of the boot begins. */
  booting(stage: BootStage, elapsed: number): void
  ready(info: ReadyInfo): void
  /** Something became of the memory snapshot. */
  snapshot(notice: SnapshotNotice): void
  /** The boot came to an end, which another try would not change unless it *isPassing*. */
  failed(error: DurablyError, isPassing: boolean): void
  /** The worker or its Python has ended by itself. */
  died(error: DurablyError): void
  /** The worker was ended: nothing else stops the code of these runs, which are to be cancelled. */
  hung(runIds: readonly string[]): void
  /** Something broke that no request can be told of. */
  fault(error: DurablyError): void
}

export class WorkerLink implements Link {
  readonly #worker: Worker
  readonly #listener: WorkerListener
  readonly #stopper = new Stopper((runIds) => this.#hang(runIds))
  readonly #canceller = new Canceller((unanswered) => this.stop(unanswered))
  readonly #snapshots: SnapshotMaker
  #isHeard = false
  #isEnded = false
  #onClosed: () => void = () => {}

  /**
   * Boot the engine in *worker*, which belongs to the link from here on.
   *
   * *makeAnother* makes one of the same script, for a memory snapshot.
   */
  constructor(
    worker: Worker,
    makeAnother: () => Worker,
    config: BootConfig,
    epoch: string,
    listener: WorkerListener,
  ) {
    this.#worker = worker
    this.#listener = listener
    this.#snapshots = new SnapshotMaker(makeAnother, config.manifestUrl, {
      snapshot: (notice) => listener.snapshot(notice),
      over: () => this.#post({ kind: 'snapshot-over' }),
    })
    worker.addEventListener('message', (event: MessageEvent<FromWorker>) => {
      if (!this.#isEnded) this.#receive(event.data)
    })
    worker.addEventListener('error', ({ message }) => {
      // A script that throws brings a message; one that was not fetched has none.
      if (message || this.#isHeard) this.#die(`the worker has ended: ${message || 'it crashed'}`)
      else
        this.#fail(
          new DurablyError('boot_failed', 'the script of the worker could not be loaded'),
          true,
        )
    })
    const interrupts = this.#stopper.memory
    this.#post({ kind: 'boot', config: { ...config, ...(interrupts && { interrupts }) }, epoch })
  }

  post(request: Request): void {
    this.#post(request)
    if (request.kind === 'call' && request.op === 'cancel') {
      this.#canceller.asked(request.id, request.params.runId)
    }
  }

  /** Stop the code of runs whose cancel, of this tab or of another, has no answer. */
  stop(unanswered: Unanswered): void {
    this.#stopper.stop(unanswered)
  }

  /** Let the worker drain, for at most *within* milliseconds; then end it. */
  async close(within: number): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#onClosed = resolve
      setTimeout(resolve, within)
    })
    this.#post({ kind: 'close' })
    await closed
    this.terminate()
  }

  /** End the worker at once: its files and its lock are free, and no acknowledged step is lost. */
  terminate(): void {
    this.#isEnded = true
    this.#canceller.close()
    this.#snapshots.close()
    this.#onClosed()
    this.#worker.terminate()
  }

  #receive(message: FromWorker): void {
    this.#isHeard = true
    switch (message.kind) {
      case 'boot':
        this.#listener.booting(message.stage, message.elapsed)
        break
      case 'ready':
        this.#listener.ready(message.info)
        break
      case 'snapshot':
        this.#listener.snapshot(message.notice)
        break
      case 'snapshot-wanted':
        if (message.isWanted) this.#snapshots.begin()
        else this.#snapshots.pause()
        break
      case 'boot-failed':
        this.#fail(DurablyError.from(message.error), message.isPassing)
        break
      case 'answer':
        this.#canceller.answered(message.id)
        this.#listener.reply(message)
        break
      case 'blob':
      case 'events':
      case 'ended':
        this.#listener.reply(message)
        break
      case 'fault':
        this.#listener.fault(DurablyError.from(message.error))
        if (message.fatal) this.#die(`the engine had to end: ${message.error.message}`)
        break
      case 'closed':
        this.#onClosed()
        break
      case 'rehearsed':
        break // Said by a worker that makes a snapshot, to the maker that ordered it.
      default:
        unreachable(message)
    }
  }

  #die(reason: string): void {
    if (this.#isEnded) return
    this.terminate()
    this.#listener.died(new DurablyError('worker_crashed', reason))
  }

  #fail(error: DurablyError, isPassing: boolean): void {
    if (this.#isEnded) return
    this.terminate()
    this.#listener.failed(error, isPassing)
  }

  #hang(runIds: readonly string[]): void {
    this.terminate()
    this.#listener.hung(runIds)
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message)
  }
}
