/** Keeps the names that differ from the folder's, so that a sync call can give one and a crash cannot undo it. */

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { ENOSPC, FileError } from './errno'

/** How the names a program sees differ from the files and folders that are there. */
export interface Deviations {
  /** Name and place of every file that lies at another place than its name says. */
  readonly moved: readonly (readonly [name: string, place: string])[]
  /** Places that may hold a file without a name. */
  readonly gone: readonly string[]
  /** Directories that may not be there yet. */
  readonly made: readonly string[]
  /** Directories that may still be there. */
  readonly removed: readonly string[]
}

const NO_DEVIATIONS: Deviations = { moved: [], gone: [], made: [], removed: [] }

const HEADER_LENGTH = 128
/** Files of the index grow in these steps, so that a full disk does not keep a file from being removed. */
const STEP = 16 * 1024

/**
 * Two files written in turn, each with the whole state: a torn write leaves the one before.
 *
 * A write is on disk when it returns.
 */
export class NameIndex {
  readonly #slots: readonly FileSystemSyncAccessHandle[]
  #sequence = 0
  #text = ''

  constructor(first: FileSystemSyncAccessHandle, second: FileSystemSyncAccessHandle) {
    this.#slots = [first, second]
  }

  /** Return the newest state that was written whole. */
  read(): Deviations {
    for (const slot of this.#slots) {
      const entry = readSlot(slot)
      if (entry && entry.sequence > this.#sequence) {
        this.#sequence = entry.sequence
        this.#text = entry.text
      }
    }
    return this.#text === '' ? NO_DEVIATIONS : (JSON.parse(this.#text) as Deviations)
  }

  /** Keep *deviations*; when this throws, the state before stands. */
  write(deviations: Deviations): void {
    const text = JSON.stringify(deviations)
    if (text === this.#text) return
    const sequence = this.#sequence + 1
    const slot = this.#slots[sequence % 2]
    if (!slot) return
    const body = new TextEncoder().encode(`${sequence}\n${text}`)
    const header = new TextEncoder().encode(`${body.length} ${bytesToHex(sha256(body))}`)
    const bytes = new Uint8Array(HEADER_LENGTH + body.length)
    bytes.set(header)
    bytes.set(body, HEADER_LENGTH)
    const room = Math.ceil(bytes.length / STEP) * STEP
    if (slot.getSize() < room) slot.truncate(room)
    if (slot.write(bytes, { at: 0 }) < bytes.length) throw new FileError(ENOSPC)
    slot.flush()
    this.#sequence = sequence
    this.#text = text
  }

  close(): void {
    for (const slot of this.#slots) slot.close()
  }
}

function readSlot(
  slot: FileSystemSyncAccessHandle,
): { readonly sequence: number; readonly text: string } | null {
  const bytes = new Uint8Array(slot.getSize())
  slot.read(bytes, { at: 0 })
  const header = new TextDecoder().decode(bytes.subarray(0, HEADER_LENGTH)).replace(/\0.*$/s, '')
  const [length, digest] = header.split(' ')
  const body = bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + Number(length))
  if (bytesToHex(sha256(body)) !== digest) return null
  const [sequence, text] = new TextDecoder().decode(body).split('\n', 2)
  return { sequence: Number(sequence), text: text ?? '' }
}
