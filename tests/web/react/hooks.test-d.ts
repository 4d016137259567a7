/** Type checked, never run: what typed references give the hooks. */

import { expectTypeOf } from 'vitest'
import {
  type ClientRun,
  defineJobRef,
  defineQueryRef,
  type Json,
  type TriggerInput,
} from '../../../web/core/index'
import {
  createDurably,
  type TypedRun,
  useJob,
  useJobRun,
  useQuery,
  useRuns,
} from '../../../web/react/index'

interface Input {
  month: string
  tags: string[]
}
interface Report {
  lines: string[]
}

const report = defineJobRef<'report', Input, Report>('report')
const rows = defineQueryRef<'rows', { page: number }, { total: number }>('rows')

export function Hooks() {
  expectTypeOf(useJobRun<Report>({ runId: null }).output).toEqualTypeOf<Report | null>()
  expectTypeOf(useJobRun({ runId: 'A' }).output).toEqualTypeOf<Json>()
  expectTypeOf(useRuns(report).runs).toEqualTypeOf<readonly TypedRun<Input, Report>[]>()
  expectTypeOf(useRuns({ jobName: 'report' }).runs).toEqualTypeOf<readonly ClientRun[]>()
  expectTypeOf(useQuery(rows, { page: 1 }).data).toEqualTypeOf<{ total: number } | null>()
  expectTypeOf(useQuery<number>('count', null).data).toEqualTypeOf<number | null>()
  // A list that may not be changed is as good as one that may.
  const tags: readonly string[] = []
  void useJob(report).trigger({ month: '2026-11', tags })

  // @ts-expect-error a wrong key
  void useJob(report).trigger({ moth: '2026-11', tags: [] })
  // @ts-expect-error a query is no job
  useJob(rows)
  // @ts-expect-error a job is no query
  useQuery(report, { month: '', tags: [] })
  // @ts-expect-error the query takes a number
  useQuery(rows, { page: 'one' })
  // @ts-expect-error the job is given already
  useRuns(report, { jobName: 'other' })
}

export function Factory() {
  const durably = createDurably({ jobs: { report, rows } })
  expectTypeOf(durably.report.useJob().output).toEqualTypeOf<Report | null>()
  expectTypeOf(durably.report.useJob().trigger).parameter(0).toEqualTypeOf<TriggerInput<Input>>()
  expectTypeOf(durably.report.useRun('A').output).toEqualTypeOf<Report | null>()
  expectTypeOf(durably.rows.useQuery({ page: 1 }).data).toEqualTypeOf<{ total: number } | null>()
  expectTypeOf(durably.useRuns().runs).toEqualTypeOf<readonly ClientRun[]>()
  // @ts-expect-error a query has no runs
  durably.rows.useJob()
  // @ts-expect-error there is no such job
  durably.reports.useJob()

  const byType = createDurably<{ report: typeof report }>()
  expectTypeOf(byType.report.useJob().output).toEqualTypeOf<Report | null>()
}
