/**
 * Remembers that this browser has a store, outside of the storage that the store lies in: Chromium, when it is short of
 * room, removes a site's files and databases, and leaves these notes.
 */

import { readNote, writeNote } from './notes'

/** Return when *store* was last there, as ISO 8601 text; null when that is not known. */
export function lastVisit(store: string): string | null {
  return readNote(keyOf(store))
}

/** *store* is there now. */
export function noteVisit(store: string): void {
  writeNote(keyOf(store), new Date().toISOString())
}

function keyOf(store: string): string {
  return `durably:seen:${store}`
}
