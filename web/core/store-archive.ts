/** What can be done with a store as a whole that lies on the user's device. */

export interface StoreArchive {
  /** Return the whole store, files of runs included, as one SQLite file; jobs go on meanwhile. */
  exportStore(): Promise<Blob>
  /** Put an exported store in the place of this one; nothing changes unless it is sound. */
  importStore(file: Blob): Promise<void>
  /** Remove all runs, their files, and every file that jobs have made. */
  resetStore(): Promise<void>
}
