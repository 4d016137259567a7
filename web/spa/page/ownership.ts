/**
 * Which tab owns the engine of a store, the one that holds the store's lock, and how the last one went.
 *
 * A page that owned the engine and was left by its user, reloaded, closed, or put aside, leaves a note:
 * its runs were cut off, but did not end their worker, and law 6 must not count it as a death. A page
 * that goes has no time to tell Python, so the note lies where it can be written at once.
 */

import { holdLock, ownerLock } from '../bridge/channels'
import { readNote, writeNote } from './notes'

/**
 * Wait to own *store*; resolve with how to step back. The browser grants the lock to one tab at a
 * time, in the order they asked, and to the next as soon as the owner steps back or is gone.
 */
export async function electOwner(store: string, signal: AbortSignal): Promise<() => void> {
  // Without locks there is no store either (law 10): the boot that follows says so in its words.
  if (!globalThis.navigator?.locks) return () => {}
  return holdLock(ownerLock(store), signal)
}

/** Leave the note for whoever owns *store* next; without one it counts as a death. */
export function noteDeparture(store: string): void {
  writeNote(keyOf(store), 'yes')
}

/** Return whether the last owner of *store* was left, and take the note away. */
export function takeDeparture(store: string): boolean {
  const isNoted = readNote(keyOf(store)) !== null
  writeNote(keyOf(store), null)
  return isNoted
}

function keyOf(store: string): string {
  return `durably:left:${store}`
}
