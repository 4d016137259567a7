/** What the two parts of a tab, follower and owner, work on. */

import type { Connection } from '../../core/connection'
import type { DurablyError } from '../../core/errors'
import type { BetweenPages, BootConfig, ReadyInfo } from '../bridge/protocol'
import type { Session } from './session'

export interface Tab {
  readonly config: BootConfig
  readonly session: Session
  /** Whether an engine has answered this tab before. */
  hasWorked(): boolean
  /** Speak to the other pages of the store. */
  post(message: BetweenPages): void
  show(connection: Connection): void
  /** An engine answers. */
  ready(info: ReadyInfo): void
  /** No engine will answer this tab any more. */
  fail(error: DurablyError): void
}

/** The part that a tab plays while it is in a store. */
export interface Part {
  hear(message: BetweenPages): void
  /** The page is in view or the network back: look whether more can be done now. */
  look(): void
  /** Step back at once. */
  leave(): void
  /** Step back when what is under way is given back. */
  close(): Promise<void>
}
