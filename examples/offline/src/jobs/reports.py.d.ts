// Made by durably-py from reports.py: edit that file, not this one.
import type { JobRef } from 'durably-py'

/**
 * Write the report of one month.
 *
 * Each part is a step: after a reload the report goes on with the part that was not done yet.
 */
export declare const monthlyReport: JobRef<'monthly-report', ReportInput, Report>

/**
 * What a report is about.
 */
export interface ReportInput {
  /**
   * Such as 2026-11.
   */
  month: string
  parts?: number
}

/**
 * A report that is done.
 */
export interface Report {
  month: string
  lines: string[]
}
//# sourceMappingURL=reports.py.d.ts.map
