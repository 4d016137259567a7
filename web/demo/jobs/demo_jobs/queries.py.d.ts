// Made by durably-py from demo_jobs/queries.py: edit that file, not this one.
import type { QueryRef } from 'durably-py'

/** Return the tables that jobs may be given, the newest first. */
export declare const tables: QueryRef<'tables', null, TableInfo[]>

/** Return rows of a table of whatever job; none while its run has made none yet. */
export declare const rows: QueryRef<'rows', PageInput, RowsPage>

/** Return refused rows. */
export declare const refusedRows: QueryRef<'refused-rows', PageInput, RefusedPage>

/** Return what the steps of a run wrote down when they were executed, oldest first. */
export declare const journal: QueryRef<'journal', JournalInput, JournalEntry[]>

/** Return "ok", or what is wrong with the file of the app's tables. */
export declare const checkTables: QueryRef<'check-tables', null, string>

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

/**
 * A page of a table's rows.
 */
export interface PageInput {
  run: string
  offset?: number
  limit?: number
}

/**
 * Rows in the order of their numbers; each begins with its number.
 */
export interface RowsPage {
  total: number
  columns: string[]
  rows: (string | number)[][]
}

/**
 * Refused rows in the file's order.
 */
export interface RefusedPage {
  total: number
  rows: RefusedRow[]
}

/**
 * A row that was not imported; *row* and *line* count from 1.
 */
export interface RefusedRow {
  row: number
  line: number
  column: string
  reason: string
}

/**
 * Part of what the steps of a run wrote down.
 */
export interface JournalInput {
  run: string
  after?: number
}

/**
 * One execution of one step, written down by the step itself.
 */
export interface JournalEntry {
  step: string
  token: string
}
//# sourceMappingURL=queries.py.d.ts.map
