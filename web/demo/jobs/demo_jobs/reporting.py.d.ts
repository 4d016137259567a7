// Made by durably-py from demo_jobs/reporting.py: edit that file, not this one.
import type { BlobRef, JobRef } from 'durably-py'

/** Group and measure a table; make a table, a CSV file, a workbook and a chart of it. */
export declare const makeReport: JobRef<'make-report', ReportInput, ReportResult>

/**
 * What to measure of a table, and by what to group it.
 */
export interface ReportInput {
  table: string
  groupBy?: string[]
  measures: Measure[]
  sort?: (Sort | null)
  top?: (number | null)
  name?: (string | null)
}

/**
 * What to calculate of a column; a count without one counts rows.
 */
export interface Measure {
  measure: ("sum" | "mean" | "min" | "max" | "count" | "distinct")
  column?: (string | null)
}

/**
 * By which column of the report its rows are sorted.
 */
export interface Sort {
  by: string
  descending?: boolean
}

/**
 * The report: its first rows, the table of all, and the files.
 */
export interface ReportResult {
  table: TableInfo
  columns: string[]
  rows: string[][]
  groups: number
  notes: string[]
  csv: BlobRef
  xlsx: BlobRef
  svg: BlobRef
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
//# sourceMappingURL=reporting.py.d.ts.map
