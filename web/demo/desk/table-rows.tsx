/** The rows of one table, page by page. */

import { useDurably } from 'durably-py/react'
import { rows } from '../jobs/demo_jobs/queries.py'
import { PagedRows } from '../paged-table'
import type { ToolProps } from './tool-props'

export function TableRows({ table }: ToolProps) {
  const { durably } = useDurably()
  const load = async (page: object) => {
    const { total, columns, rows: found } = await durably.query(rows, { run: table.id, ...page })
    return { total, columns: ['Row', ...columns], rows: found }
  }
  return <PagedRows title={`Rows of ${table.name}`} look="grid" load={load} empty="None." />
}
