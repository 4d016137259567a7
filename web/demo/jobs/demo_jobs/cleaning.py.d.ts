// Made by durably-py from demo_jobs/cleaning.py: edit that file, not this one.
import type { JobRef } from 'durably-py'

/** Copy a table with its cells cleaned; say what was changed and what could not be decided. */
export declare const cleanTable: JobRef<'clean-table', CleanInput, CleanResult>

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
//# sourceMappingURL=cleaning.py.d.ts.map
