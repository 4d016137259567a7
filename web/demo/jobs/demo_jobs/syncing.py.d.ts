// Made by durably-py from demo_jobs/syncing.py: edit that file, not this one.
import type { JobRef } from 'durably-py'

/** Fetch a source page by page into a table; each page is stored exactly once. */
export declare const syncSource: JobRef<'sync-source', SyncInput, SyncResult>

/**
 * Where the pages are, and how to get from one to the next.
 */
export interface SyncInput {
  url: string
  name: string
  paging?: ("page" | "next")
  pageParam?: string
  firstPage?: number
  pause?: number
  timeout?: number
}

/**
 * What came of the source.
 */
export interface SyncResult {
  table: TableInfo
  pages: number
  rows: number
}

/**
 * A table of the catalogue.
 */
export interface TableInfo {
  id: string
  name: string
  rows: number
  columns: TableColumn[]
  origin: ("imported" | "cleaned" | "joined" | "report" | "synced")
  createdAt: string
}

/**
 * A column, and what its values look like.
 */
export interface TableColumn {
  name: string
  kind: ("int" | "float" | "bool" | "date" | "text" | "empty")
}
//# sourceMappingURL=syncing.py.d.ts.map
