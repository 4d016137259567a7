// Made by durably-py from demo_jobs/joining.py: edit that file, not this one.
import type { JobRef } from 'durably-py'

/** Join two tables by key columns; say what matched, and which keys are repeated. */
export declare const joinTables: JobRef<'join-tables', JoinInput, JoinResult>

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
 * A key that several rows have, and how many on each side.
 */
export interface RepeatedKey {
  key: string
  left: number
  right: number
}
//# sourceMappingURL=joining.py.d.ts.map
