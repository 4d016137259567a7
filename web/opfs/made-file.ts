/** A file that Python writes beside the blobs: it has an open handle, and gets its name when it is whole. */

import { ENOSPC, FileError } from './errno'

export const MADE = 'made-'

const PIECE = 1024 * 1024

/** Open and empty until someone takes it; empty and open again after it was let go. */
export class MadeFile {
  readonly place: string
  readonly handle: FileSystemSyncAccessHandle
  modified = Date.now()

  constructor(place: string, handle: FileSystemSyncAccessHandle) {
    this.place = place
    this.handle = handle
  }

  get size(): number {
    return this.handle.getSize()
  }

  read(into: Uint8Array, at: number): number {
    return this.handle.read(into, { at })
  }

  write(bytes: Uint8Array, at: number): number {
    if (bytes.length === 0) return 0
    const written = this.handle.write(bytes, { at })
    // None written would be tried again for ever.
    if (written === 0) throw new FileError(ENOSPC)
    this.modified = Date.now()
    return written
  }

  /** Return its bytes, read as they are asked for. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    let at = 0
    return new ReadableStream({
      pull: (controller) => {
        const piece = new Uint8Array(PIECE)
        const read = this.read(piece, at)
        at += read
        if (read === 0) controller.close()
        else controller.enqueue(piece.subarray(0, read))
      },
    })
  }

  /** Forget its bytes, so that the next one may write. */
  empty(): void {
    this.handle.truncate(0)
    this.handle.flush()
  }
}
