/** Every message between the pages of a store and the worker that runs Python. */

import type { ErrorPayload } from '../../core/errors'
import type { RunEvent, RunSnapshot, RunsSnapshot, Subscription } from '../../core/events'
import type { Operation, Operations } from '../../core/transport'
import type { BlobRef } from '../../core/types'

/** The stages of a boot, in order. */
export const BOOT_STAGES = [
  'manifest',
  'storage',
  'python',
  'packages',
  'database',
  'ready',
] as const

export type BootStage = (typeof BOOT_STAGES)[number]

export interface BootConfig {
  /** URL of `manifest.json`, same origin; every other asset's URL is relative to it. */
  readonly manifestUrl: string
  /** Name of the store: a folder of the origin's private file system, and the name of its lock. */
  readonly store: string
  /** Start Python from a memory snapshot, and make one after a boot without. Default: true. */
  readonly snapshot?: boolean
  /** Memory shared with the page, by which it stops Python code that leaves it no turn. */
  readonly interrupts?: SharedArrayBuffer
  /** Runs to be cancelled before any is claimed: their code has hung an earlier worker. */
  readonly cancel?: readonly string[]
  /** The owner before was left by its user: its runs were cut off, and did not end their worker. */
  readonly ownerLeft?: boolean
  /** When the store was last there, as the page remembers. */
  readonly lastVisit?: string | null
}

/** What became of the memory snapshot that makes a boot short. */
export type SnapshotNotice =
  /** The next boot starts from it. */
  | { readonly state: 'made'; readonly bytes: number; readonly took: number }
  /** There was one that cannot be trusted. It was removed, and this boot is a plain one. */
  | { readonly state: 'unusable'; readonly error: ErrorPayload }
  /** None could be made; boots stay plain. */
  | { readonly state: 'refused'; readonly error: ErrorPayload }

export interface ReadyInfo {
  readonly workerId: string
  readonly pythonVersion: string
  readonly sqliteVersion: string
  /** Whether Python was started from its parts or from a memory snapshot. */
  readonly bootedFrom: 'parts' | 'snapshot'
  /** Milliseconds from the worker's start to the end of each stage. */
  readonly marks: Readonly<Partial<Record<BootStage, number>>>
}

type Call = {
  [Op in Operation]: {
    readonly kind: 'call'
    readonly id: number
    readonly op: Op
    readonly params: Operations[Op]['params']
    /** An engine before this one may have done it; its answer was lost. */
    readonly repeated?: true
  }
}[Operation]

/** Work on the store's files as a whole. */
export type FileWork =
  | { readonly act: 'read-blob'; readonly sha256: string }
  | { readonly act: 'export' }
  | { readonly act: 'import'; readonly file: Blob }
  | { readonly act: 'reset' }

/** What any page of the store may ask. */
export type Request =
  | Call
  | { readonly kind: 'subscribe'; readonly id: number; readonly subscription: Subscription }
  | { readonly kind: 'unsubscribe'; readonly id: number }
  | { readonly kind: 'put-blob'; readonly id: number; readonly file: Blob; readonly name: string }
  /** Answered with a `Blob`, or with null where the work makes none. */
  | { readonly kind: 'files'; readonly id: number; readonly work: FileWork }

export type ToWorker =
  | { readonly kind: 'boot'; readonly config: BootConfig; readonly epoch: string }
  /** For a worker of its own, which is to be ended when it has answered with `rehearsed`. */
  | { readonly kind: 'make-snapshot'; readonly manifestUrl: string }
  /** A snapshot was made, or cannot be: want none any more. */
  | { readonly kind: 'snapshot-over' }
  | Request
  | { readonly kind: 'close' }

export type Answer =
  | { readonly kind: 'answer'; readonly id: number; readonly ok: true; readonly result: unknown }
  | {
      readonly kind: 'answer'
      readonly id: number
      readonly ok: false
      readonly error: ErrorPayload
    }

/** What is said to the page that asked. */
export type Reply =
  | Answer
  | { readonly kind: 'blob'; readonly id: number; readonly ref: BlobRef }
  | {
      readonly kind: 'events'
      readonly id: number
      readonly events: readonly (RunEvent | RunSnapshot | RunsSnapshot)[]
    }
  /** The subscription is over: the run reached its end, was deleted, or never was (`error`). */
  | { readonly kind: 'ended'; readonly id: number; readonly error: ErrorPayload | null }

export type FromWorker =
  | { readonly kind: 'boot'; readonly stage: BootStage; readonly elapsed: number }
  | { readonly kind: 'ready'; readonly info: ReadyInfo }
  | { readonly kind: 'snapshot'; readonly notice: SnapshotNotice }
  /** A memory snapshot may be made now, beside an engine that has nothing to do; or not any longer. */
  | { readonly kind: 'snapshot-wanted'; readonly isWanted: boolean }
  /** What was told to make a snapshot has no more to do, whatever came of it. */
  | { readonly kind: 'rehearsed' }
  | {
      readonly kind: 'boot-failed'
      readonly stage: BootStage
      readonly error: ErrorPayload
      /** A file was out of reach: another try may go further. */
      readonly isPassing: boolean
    }
  | Reply
  /** Something broke that no call asked for; when `fatal`, nothing will be answered any more. */
  | { readonly kind: 'fault'; readonly fatal: boolean; readonly error: ErrorPayload }
  | { readonly kind: 'closed' }

/** Cancels that a worker has not answered. */
export interface Unanswered {
  readonly runIds: readonly string[]
  /** When the first of them was asked for. */
  readonly since: number
}

/** What the pages of a store tell each other about the one that owns the engine. */
export type BetweenPages =
  /** Is there an owner? It answers with one of the others; its last one counts. */
  | { readonly kind: 'seek' }
  | {
      readonly kind: 'booting'
      readonly stage: BootStage
      readonly elapsed: number
      /** Why the boot before came to nothing. */
      readonly problem?: ErrorPayload
    }
  /** The engine of this epoch takes requests. */
  | { readonly kind: 'ready'; readonly epoch: string; readonly info: ReadyInfo }
  /** This page owns the engine no more. */
  | { readonly kind: 'leaving' }
  /** A follower has no answer to what it asked of this engine: code may leave the worker no turn. */
  | ({ readonly kind: 'cancel'; readonly epoch: string; readonly at: number } & Unanswered)

/** What a following tab sends straight to the worker; the replies go to `from`. */
export interface FromFollower {
  readonly from: string
  readonly request: Request
}
