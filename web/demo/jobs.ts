/** The Python jobs and queries of this app, as the page sees them. */

import { type BlobRef, defineJobRef } from '../core/index'

export type Encoding = 'auto' | 'utf-8' | 'utf-16' | 'windows-1252'
export type Delimiter = 'auto' | ',' | ';' | '\t' | '|'

export interface ImportInput {
  readonly file: BlobRef
  readonly options: { readonly encoding: Encoding; readonly delimiter: Delimiter }
}

/** A row that was not imported; `row` and `line` count from 1. */
export interface RefusedRow {
  readonly row: number
  readonly line: number
  readonly column: string
  readonly reason: string
}

export interface ColumnSummary {
  readonly name: string
  readonly kind: 'int' | 'float' | 'bool' | 'date' | 'text' | 'empty'
  readonly distinct: number
  /** False when `distinct` is an estimate. */
  readonly exact: boolean
  readonly empty: number
  readonly smallest: string | null
  readonly largest: string | null
}

export interface ImportResult {
  readonly imported: number
  readonly refused: number
  readonly blank: number
  readonly delimiter: string
  readonly encoding: string
  readonly notes: readonly string[]
  readonly columns: readonly ColumnSummary[]
  readonly firstRefused: readonly RefusedRow[]
}

/** Imported rows in the file's order; each begins with its row number. */
export interface RowsPage {
  readonly total: number
  readonly columns: readonly string[]
  readonly rows: readonly (readonly [number, ...string[]])[]
}

export interface RefusedPage {
  readonly total: number
  readonly rows: readonly RefusedRow[]
}

export const importCsv = defineJobRef<'import-csv', ImportInput, ImportResult>('import-csv')
