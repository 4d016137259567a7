// Made by durably-py from demo_jobs/__init__.py: edit that file, not this one.
import type { BlobRef, JobRef, QueryRef } from 'durably-py'

/** Import a CSV file into a table of its own and describe its columns. */
export declare const importCsv: JobRef<'import-csv', ImportInput, ImportResult>

/** Return "ok", or what is wrong with the file of the app's tables. */
export declare const checkTables: QueryRef<'check-tables', null, string>

/** Return what the steps of a run wrote down when they were executed, oldest first. */
export declare const journal: QueryRef<'journal', JournalInput, JournalEntry[]>

/** Return refused rows. */
export declare const refusedRows: QueryRef<'refused-rows', PageInput, RefusedPage>

/** Return imported rows; none while the import has no table yet. */
export declare const rows: QueryRef<'rows', PageInput, RowsPage>

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
 * A file to import.
 */
export interface ImportInput {
  file: BlobRef
  options?: ImportOptions
}

/**
 * How to read the file; what is "auto" is found out.
 */
export interface ImportOptions {
  encoding?: ("auto" | "utf-8" | "utf-16" | "windows-1252")
  delimiter?: ("auto" | "," | ";" | "\t" | "|")
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
 * A page of an import's rows.
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
 * Imported rows in the file's order; each begins with its row number.
 */
export interface RowsPage {
  total: number
  columns: string[]
  rows: (string | number)[][]
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
