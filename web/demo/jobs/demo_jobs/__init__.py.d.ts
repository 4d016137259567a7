// Made by durably-py from demo_jobs/__init__.py: edit that file, not this one.
import type { BlobRef, JobRef, QueryRef } from 'durably-py'

/** Copy a table with its cells cleaned; say what was changed and what could not be decided. */
export declare const cleanTable: JobRef<'clean-table', CleanInput, CleanResult>

/** Remove a table; return what it was. */
export declare const dropTable: JobRef<'drop-table', DropInput, Dropped>

/** Import a CSV file or an Excel workbook into a table of its own and describe its columns. */
export declare const importCsv: JobRef<'import-csv', ImportInput, ImportResult>

/** Join two tables by key columns; say what matched, and which keys are repeated. */
export declare const joinTables: JobRef<'join-tables', JoinInput, JoinResult>

/** Return "ok", or what is wrong with the file of the app's tables. */
export declare const checkTables: QueryRef<'check-tables', null, string>

/** Return what the steps of a run wrote down when they were executed, oldest first. */
export declare const journal: QueryRef<'journal', JournalInput, JournalEntry[]>

/** Return refused rows. */
export declare const refusedRows: QueryRef<'refused-rows', PageInput, RefusedPage>

/** Return rows of a table of whatever job; none while its run has made none yet. */
export declare const rows: QueryRef<'rows', PageInput, RowsPage>

/** Return the tables that jobs may be given, the newest first. */
export declare const listTables: QueryRef<'tables', null, TableInfo[]>

/** Group and measure a table; make a table, a CSV file, a workbook and a chart of it. */
export declare const makeReport: JobRef<'make-report', ReportInput, ReportResult>

/** Fetch a source page by page into a table; each page is stored exactly once. */
export declare const syncSource: JobRef<'sync-source', SyncInput, SyncResult>

/** Return what chance gives: after two boots it is never the same. */
export declare const chance: JobRef<'chance', null, {
  [k: string]: string
}>

/** Compute without a pause for *seconds*, in one step; return how many rounds that took. */
export declare const compute: JobRef<'compute', ComputeInput, number>

/** Never end by itself; a finally block writes a log line when it is stopped. */
export declare const hang: JobRef<'hang', HangInput, null>

/** Call ``sys.exit()``, which must end this run and nothing else. */
export declare const leave: JobRef<'leave', LeaveInput, null>

/**
 * Take *count* trivial steps; return what each of them returned.
 *
 * A journalled step commits a token of its own before it returns it, so the journal shows every
 * execution and the output shows which of them counted.
 */
export declare const steps: JobRef<'steps', StepsInput, string[]>

/** Make a file of another file's text in upper case; the output is a reference to it. */
export declare const upper: JobRef<'upper', UpperInput, BlobRef>

/**
 * A table to clean.
 */
export interface CleanInput {
  table: string
  options?: CleanOptions
  name?: (string | null)
}

/**
 * What to do; each can be switched off.
 */
export interface CleanOptions {
  trim?: boolean
  collapseSpaces?: boolean
  emptyWords?: string[]
  types?: ("auto" | "none")
  dates?: ("auto" | "none")
  duplicates?: ("off" | "whole-row" | "columns")
  duplicateColumns?: string[]
}

/**
 * What was changed, and the table that came of it.
 */
export interface CleanResult {
  table: TableInfo
  read: number
  duplicates: number
  columns: CleanedColumn[]
  notes: string[]
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

/**
 * What was changed in a column.
 */
export interface CleanedColumn {
  spaces: number
  emptied: number
  numbers: number
  dates: number
  left: number
  examples: Example[]
  name: string
  kind: string
  changed: number
}

/**
 * A cell before and after.
 */
export interface Example {
  before: string
  after: string
}

/**
 * The table to remove.
 */
export interface DropInput {
  table: string
}

/**
 * What was removed; a table that was never whole has no name.
 */
export interface Dropped {
  id: string
  name: (string | null)
  rows: number
}

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
 * Two tables, and what of each makes a row belong to one of the other.
 */
export interface JoinInput {
  left: string
  right: string
  leftKeys: string[]
  rightKeys: string[]
  kind?: ("inner" | "left" | "outer")
  ignoreCase?: boolean
  name?: (string | null)
}

/**
 * What matched, and the table that came of it.
 */
export interface JoinResult {
  table: TableInfo
  pairs: number
  matchedLeft: number
  unmatchedLeft: number
  matchedRight: number
  unmatchedRight: number
  repeatedLeft: number
  repeatedRight: number
  repeated: RepeatedKey[]
}

/**
 * A key that several rows have, and how many on each side.
 */
export interface RepeatedKey {
  key: string
  left: number
  right: number
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

/**
 * A page of a table's rows.
 */
export interface PageInput {
  run: string
  offset?: number
  limit?: number
}

/**
 * Refused rows in the file's order.
 */
export interface RefusedPage {
  total: number
  rows: RefusedRow[]
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
 * How long to keep the processor busy.
 */
export interface ComputeInput {
  seconds?: number
}

/**
 * How to go on for ever: ``loop`` in Python code, ``call`` inside one long call of C.
 */
export interface HangInput {
  how?: ("loop" | "call" | "stubborn")
}

/**
 * Where to exit: in a step of any form, in a task beside the steps, or in the job itself.
 */
export interface LeaveInput {
  where?: ("step" | "async step" | "timed step" | "parallel step" | "task" | "job")
}

/**
 * How many steps to take, and whether each writes down that it was executed.
 */
export interface StepsInput {
  count: number
  journal?: boolean
}

/**
 * A text file, and how often its text is to be in the new one.
 */
export interface UpperInput {
  file: BlobRef
  times?: number
}
//# sourceMappingURL=__init__.py.d.ts.map
