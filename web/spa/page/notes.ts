/**
 * Short notes in `localStorage`: written at once, also by a page that goes, and not part of the storage that runs lie
 * in. Where the user allows no storage of that kind, or it is full, there are none.
 */

interface Notes {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** Absent where the tests run; throws where it is not allowed. */
const notes = (): Notes | undefined => Reflect.get(globalThis, 'localStorage')

export function readNote(key: string): string | null {
  try {
    return notes()?.getItem(key) ?? null
  } catch {
    return null
  }
}

/** Write a note, or remove it: null. */
export function writeNote(key: string, text: string | null): void {
  try {
    if (text === null) notes()?.removeItem(key)
    else notes()?.setItem(key, text)
  } catch {
    // As above.
  }
}
