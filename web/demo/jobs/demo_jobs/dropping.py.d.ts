// Made by durably-py from demo_jobs/dropping.py: edit that file, not this one.
import type { JobRef } from 'durably-py'

/** Remove a table; return what it was. */
export declare const dropTable: JobRef<'drop-table', DropInput, Dropped>

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
//# sourceMappingURL=dropping.py.d.ts.map
