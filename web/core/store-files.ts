/** What can be done with a store that lies on the user's device. */

export interface StoreFiles {
  /** Return the bytes of a kept file; `not_found` when it is gone. */
  readBlob(sha256: string): Promise<Blob>
  /** Return the whole store, files of runs included, as one SQLite file; jobs go on meanwhile. */
  exportStore(): Promise<Blob>
  /** Put an exported store in the place of this one; nothing changes unless it is sound. */
  importStore(file: Blob): Promise<void>
  /** Remove all runs, their files, and every file that jobs have made. */
  resetStore(): Promise<void>
}
