// Made by durably-py from demo_jobs/importing.py: edit that file, not this one.
import type { BlobRef, JobRef } from 'durably-py'

/** Import a CSV file or an Excel workbook into a table of its own and describe its columns. */
export declare const importCsv: JobRef<'import-csv', ImportInput, ImportResult>

/**
 * A file to import.
 */
export interface ImportInput {
  file: BlobRef
  options?: ImportOptions
}

/**
 * How to read the file; what is "auto" or null is found out.
 */
export interface ImportOptions {
  encoding?: ("auto" | "utf-8" | "utf-16" | "windows-1252")
  delimiter?: ("auto" | "," | ";" | "\t" | "|")
  sheet?: (string | null)
  member?: (string | null)
  name?: (string | null)
}

/**
 * What became of the file.
 */
export interface ImportResult {
  imported: number
  refused: number
  blank: number
  delimiter: string
  encoding: string
  notes: string[]
  columns: ColumnSummary[]
  firstRefused: RefusedRow[]
  table: (TableInfo | null)
}

/**
 * What a column holds.
 */
export interface ColumnSummary {
  name: string
  kind: ("int" | "float" | "bool" | "date" | "text" | "empty")
  distinct: number
  exact: boolean
  empty: number
  smallest: (string | null)
  largest: (string | null)
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
//# sourceMappingURL=importing.py.d.ts.map
