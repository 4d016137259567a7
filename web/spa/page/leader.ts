/** Which tab owns the engine of a store: the one that holds the store's lock. */

import { ownerLock } from '../bridge/channels'
import { holdLock } from '../bridge/locks'

/**
 * Wait to own *store*; resolve with how to step back. The browser grants the lock to one tab at a
 * time, in the order they asked, and to the next as soon as the owner steps back or is gone.
 */
export async function electOwner(store: string, signal: AbortSignal): Promise<() => void> {
  // Without locks there is no store either (law 10): the boot that follows says so in its words.
  if (!globalThis.navigator?.locks) return () => {}
  return holdLock(ownerLock(store), signal)
}
