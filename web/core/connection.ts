/** How a tab reaches the engine. */

import type { DurablyError } from './errors'

/**
 * `owner`: the engine runs in this tab. `follower`: in another tab, and answers.
 * `handing-over`: no engine answers just now; calls wait for the next one.
 * `server`: the engine runs on a server, and no tab owns it.
 */
export type Role = 'owner' | 'follower' | 'handing-over' | 'server'

/** A stage of a boot begins, *elapsed* milliseconds after its start. */
export interface BootProgress<Stage extends string = string> {
  readonly stage: Stage
  readonly elapsed: number
}

/** How far the start of an engine is, as a page shows it. */
export interface Boot {
  /** The stage that is under way; `ready` at the end. */
  readonly stage: string
  /** The part of the usual time that is over, from 0 to 1. */
  readonly part: number
  /** Why the engine does not answer yet, such as a sleeping tab that runs it. */
  readonly problem: DurablyError | null
}

export interface Connection {
  readonly role: Role
  /** How far the engine's boot is, in this tab or the owner's; null when none is under way. */
  readonly boot: BootProgress | null
  /** Why the engine does not answer, if more is wrong than a change of owner. */
  readonly problem: DurablyError | null
}

/** A transport without tabs: the engine is on a server. */
export const REMOTE: Connection = { role: 'server', boot: null, problem: null }
