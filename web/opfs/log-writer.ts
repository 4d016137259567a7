/** Joins the writes of SQLite's log: each page comes in two calls, and each call into the browser costs. */

import { ENOSPC, FileError } from './errno'

/** Bytes that are held back at most: a transaction of this size is one write. */
const MOST_HELD = 256 * 1024
/** The log grows by so many bytes at once: a file that grows is slow to flush. */
const CHUNK = 512 * 1024

/**
 * Holds bytes back until something else is asked of the file, at the latest its flush.
 *
 * Only bytes inside the file are held: one that must grow for them grows first, so that a write
 * which finds no space fails at once, and SQLite learns that the disk is full. What lies behind the
 * log's last frame is no frame: SQLite checks each by its checksum, as it does with old ones. Where
 * held bytes could not be written all the same, none are held until a flush went well: SQLite tells
 * less of a flush that fails than of a write.
 *
 * Bytes that could not be written are forgotten only when a write or a flush of the log is told so:
 * SQLite undoes the transaction then. Whoever else comes across them leaves them held.
 */
export class LogWriter {
  readonly #held = new Uint8Array(MOST_HELD)
  #handle: FileSystemSyncAccessHandle | null = null
  #size = 0
  #at = 0
  #length = 0
  #isHolding = true

  /** Take *bytes* for *handle*; returns how many were taken. */
  write(handle: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): number {
    const follows = handle === this.#handle && at === this.#at + this.#length
    if (!follows || this.#length + bytes.length > MOST_HELD) {
      this.#settleOrForget(handle)
      this.#begin(handle, at)
    }
    if (!this.#mayHold(handle, bytes.length, at + bytes.length)) {
      this.#settleOrForget(handle)
      this.#handle = null
      return handle.write(bytes, { at })
    }
    this.#held.set(bytes, this.#length)
    this.#length += bytes.length
    return bytes.length
  }

  /** Put on disk what was written to *handle*. */
  flush(handle: FileSystemSyncAccessHandle): void {
    this.#settleOrForget(handle)
    handle.flush()
    this.#isHolding = true
  }

  /** Write what is held for *handle*; what cannot be written is still held. */
  settle(handle: FileSystemSyncAccessHandle): void {
    if (handle === this.#handle) this.#writeHeld()
  }

  /** Write what is held for *handle*, and forget the file: its size changes. */
  leave(handle: FileSystemSyncAccessHandle): void {
    this.settle(handle)
    if (handle === this.#handle) this.#handle = null
  }

  /** Write what is held for a call that SQLite makes, and learns from. */
  #settleOrForget(handle: FileSystemSyncAccessHandle): void {
    try {
      this.#writeHeld()
    } catch (error) {
      // Bytes of another file are not this caller's to lose.
      if (handle === this.#handle) this.#length = 0
      throw error
    }
  }

  #writeHeld(): void {
    const length = this.#length
    if (length === 0) return
    const wasHolding = this.#isHolding
    this.#isHolding = false
    for (let done = 0; done < length; ) {
      const rest = this.#held.subarray(done, length)
      const written = this.#handle?.write(rest, { at: this.#at + done }) ?? 0
      if (written === 0) throw new FileError(ENOSPC)
      done += written
    }
    this.#isHolding = wasHolding
    this.#at += length
    this.#length = 0
  }

  #begin(handle: FileSystemSyncAccessHandle, at: number): void {
    if (handle !== this.#handle) this.#size = handle.getSize()
    this.#handle = handle
    this.#at = at
  }

  #mayHold(handle: FileSystemSyncAccessHandle, length: number, end: number): boolean {
    if (!this.#isHolding || length > MOST_HELD) return false
    if (end <= this.#size) return true
    const missing = Math.ceil(end / CHUNK) * CHUNK - this.#size
    try {
      // Zeros, not a hole: their space is taken now, and what comes into it later cannot lack any.
      this.#size += handle.write(new Uint8Array(missing), { at: this.#size })
    } catch {
      // There may be room for less: the write itself tells.
    }
    return end <= this.#size
  }
}
