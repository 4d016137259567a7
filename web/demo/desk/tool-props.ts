/** What each tool of the desk is given. */

import type { TableInfo } from '../jobs/demo_jobs/queries.py'

export interface ToolProps {
  readonly table: TableInfo
  readonly all: readonly TableInfo[]
  /** A job has made another table, which is to be shown. */
  readonly onMade: (table: TableInfo) => void
}
