/** The way from an empty worker to a running engine, in the stages that a page can show. */

import { DurablyError, type ErrorPayload } from '../../core/errors'
import { isNamed } from '../../opfs/errno'
import { BLOBS, OpfsFS } from '../../opfs/opfs-fs'
import { reasonOf, toPayload } from '../bridge/failure'
import { InterruptReceiver } from '../bridge/interrupts'
import type { BootConfig, BootStage, ReadyInfo, SnapshotNotice } from '../bridge/protocol'
import { type Emit, Engine } from './engine'
import { PLAN_ID, SnapshotPlan } from './memory/plan'
import { SnapshotSource } from './memory/source'
import { OutOfReach } from './python/fetch-bytes'
import { fetchArchive, fetchManifest, type Manifest } from './python/manifest'
import { bootPython, type Python, type ScratchFS } from './python/pyodide'
import { fetchRuntime, type Runtime } from './python/runtime'
import { DATABASE, openStorage, type Storage } from './storage'

const MOUNT = '/durably'

export interface BootListener {
  /** A stage begins. */
  stage(stage: BootStage, elapsed: number): void
  emit: Emit
  snapshot(notice: SnapshotNotice): void
  /** A snapshot may be made now, or not any longer. */
  wantsSnapshot(isWanted: boolean): void
  fault(error: unknown, fatal: boolean): void
}

export interface Booted {
  readonly engine: Engine
  readonly storage: Storage
  readonly scratch: ScratchFS
  readonly info: ReadyInfo
  /** When a store that the browser has removed was last there; null when it is no new one. */
  readonly lostSince: string | null
  /** Want no snapshot any more. */
  snapshotOver(): void
}

/** A boot that came to an end before its time. */
export class BootFailure extends Error {
  override readonly name = 'BootFailure'
  readonly stage: BootStage
  readonly payload: ErrorPayload
  /** Whether another try may go further. */
  readonly isPassing: boolean

  constructor(stage: BootStage, error: unknown) {
    const payload = toPayload(error, 'boot_failed')
    super(payload.message)
    this.stage = stage
    this.payload = payload
    this.isPassing = error instanceof OutOfReach
  }
}

/** Boot from nothing. When it fails, everything is closed again. */
export async function boot(config: BootConfig, listener: BootListener): Promise<Booted> {
  const stages = new Stages(listener)
  try {
    const manifest = await stages.during('manifest', () => fetchManifest(config.manifestUrl))
    const runtime = fetchRuntime(manifest, config.manifestUrl)
    const snapshots = new SnapshotSource(config, manifest, runtime, listener)
    // Before Python: it takes some ten milliseconds, and without a store Python is of no use.
    const storage = await stages.during('storage', () =>
      openStorage(config.store, (error) => listener.fault(error, false)),
    )
    try {
      const { python, bootedFrom } = await startPython(manifest, config, runtime, snapshots, stages)
      python.onFatal((error) => {
        if (bootedFrom === 'snapshot') void snapshots.distrust(error)
        listener.fault(error, true)
      })
      const workerId = crypto.randomUUID()
      let plan: SnapshotPlan | null = null
      const engine = await stages.during('database', () =>
        startEngine(python, storage, manifest, config, workerId, {
          ...listener,
          emit: (kind, id, text) =>
            id === PLAN_ID ? plan?.take(kind, text) : listener.emit(kind, id, text),
        }),
      )
      await stages.during('ready', () => {})
      if (snapshots.isMissing) {
        plan = new SnapshotPlan(engine, listener.wantsSnapshot)
        plan.start()
      }
      const close = () => {
        plan?.stop()
        storage.close()
      }
      const info = { workerId, ...engine.versions, bootedFrom, marks: stages.marks }
      const { scratch } = python
      const snapshotOver = () => plan?.end()
      const lostSince = storage.isNew ? (config.lastVisit ?? null) : null
      return { engine, storage: { ...storage, close }, scratch, info, lostSince, snapshotOver }
    } catch (error) {
      storage.close()
      throw error
    }
  } catch (error) {
    throw new BootFailure(stages.current, error)
  }
}

async function startPython(
  manifest: Manifest,
  { manifestUrl }: BootConfig,
  runtime: Runtime,
  snapshots: SnapshotSource,
  stages: Stages,
): Promise<{ readonly python: Python; readonly bootedFrom: ReadyInfo['bootedFrom'] }> {
  let unpack: ((python: Python) => Promise<void>) | null = null
  const python = await stages.during('python', async () => {
    const restored = await snapshots.python
    if (restored) return restored
    unpack = fetchPackages(manifest, manifestUrl)
    return bootPython(runtime, { kind: 'from its parts' })
  })
  if (unpack === null) return { python, bootedFrom: 'snapshot' }
  const unpackInto: (python: Python) => Promise<void> = unpack
  await stages.during('packages', () => unpackInto(python))
  return { python, bootedFrom: 'parts' }
}

/** Begin to fetch all packages; return how to unpack them. */
function fetchPackages(manifest: Manifest, manifestUrl: string) {
  const archives = manifest.archives.map((archive) => ({
    archive,
    bytes: fetchArchive(archive, manifestUrl),
  }))
  // Each is waited for in its stage; one that fails before that is no unhandled rejection.
  for (const { bytes } of archives) bytes.catch(() => {})
  return async (python: Python) => {
    for (const { archive, bytes } of archives) python.unpack(archive, await bytes)
  }
}

/** Tells the listener of each stage and keeps when it ended. */
class Stages {
  readonly marks: Partial<Record<BootStage, number>> = {}
  readonly #listener: BootListener
  readonly #started = performance.now()
  #current: BootStage = 'manifest'

  constructor(listener: BootListener) {
    this.#listener = listener
  }

  get current(): BootStage {
    return this.#current
  }

  async during<T>(stage: BootStage, work: () => T | Promise<T>): Promise<T> {
    this.#current = stage
    this.#listener.stage(stage, this.#elapsed())
    const result = await work()
    this.marks[stage] = this.#elapsed()
    return result
  }

  #elapsed(): number {
    return Math.round(performance.now() - this.#started)
  }
}

function startEngine(
  python: Python,
  storage: Storage,
  manifest: Manifest,
  { interrupts, cancel = [], ownerLeft = false }: BootConfig,
  workerId: string,
  listener: BootListener,
): Promise<Engine> {
  const report = (error: unknown) => listener.fault(...faultOf(error))
  const fs = new OpfsFS(python.FS, storage.disk, storage.blobs, readPiece, report)
  python.mount(fs, MOUNT)
  const options = {
    database: `${MOUNT}/${DATABASE}`,
    modules: manifest.modules,
    blobs: `${MOUNT}/${BLOBS}`,
    workerId,
    cancel,
    ownerLeft,
  }
  const receiver = interrupts ? new InterruptReceiver(interrupts) : null
  return Engine.start(python, fs, MOUNT, options, listener.emit, receiver)
}

/** A file call that failed, and whether only a new worker, which opens the files anew, can mend it. */
function faultOf(error: unknown): [error: unknown, fatal: boolean] {
  // What a handle throws once its file was taken away or can't be read: the first in Chromium, the other in Firefox.
  if (!isNamed(error, 'InvalidStateError') && !isNamed(error, 'UnknownError')) return [error, false]
  const message = `a file of the store cannot be used any more (${reasonOf(error)}); it is opened anew`
  return [new DurablyError('storage_io', message, { cause: error }), true]
}

const reader = new FileReaderSync()

function readPiece(file: File, start: number, end: number): Uint8Array {
  return new Uint8Array(reader.readAsArrayBuffer(file.slice(start, end)))
}
