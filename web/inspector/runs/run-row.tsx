/** One run of the list. */

// biome-ignore-all lint/a11y/useSemanticElements: rows are placed one by one, as the boxes of a table can’t be
// biome-ignore-all lint/a11y/useFocusableInteractive: the keyboard goes from row to row, not from cell to cell

import { memo } from 'react'
import type { ClientRun } from '../../core/index'
import { LabelList } from '../parts/labels'
import { ProgressCell } from '../parts/progress'
import { StatusChip } from '../parts/status-chip'
import { Length, Moment } from '../parts/times'

export const COLUMNS = ['Job', 'Status', 'Labels', 'Progress', 'Started', 'Duration'] as const

interface RunRowProps {
  /** Undefined until its page is there. */
  readonly run: ClientRun | undefined
  readonly index: number
  /** Whether the Tab key leads to this row. */
  readonly isReached: boolean
  readonly onOpen: (runId: string, index: number) => void
}

export const RunRow = memo(function RunRow({ run, index, isReached, onOpen }: RunRowProps) {
  if (run === undefined) return <EmptyRow index={index} />
  const { jobName, status, labels, progress, startedAt, completedAt } = run
  return (
    <div
      className="run-row"
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-run={run.id}
      tabIndex={isReached ? 0 : -1}
      onClick={() => onOpen(run.id, index)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return
        event.preventDefault()
        onOpen(run.id, index)
      }}
    >
      <span role="gridcell" className="job" title={run.id}>
        {jobName}
      </span>
      <span role="gridcell" className="status">
        <StatusChip status={status} isParked={run.isParked} availableAt={run.availableAt} />
      </span>
      <span role="gridcell" className="labels-cell">
        <LabelList labels={labels} />
      </span>
      <span role="gridcell" className="progress">
        {status === 'completed' ? null : <ProgressCell progress={progress} />}
      </span>
      <span role="gridcell" className="started">
        {startedAt === null ? 'not yet' : <Moment time={startedAt} />}
      </span>
      <span role="gridcell" className="duration">
        {startedAt !== null && (
          <Length from={startedAt} to={run.isActive ? null : (completedAt ?? startedAt)} />
        )}
      </span>
    </div>
  )
})

function EmptyRow({ index }: { readonly index: number }) {
  return (
    <div className="run-row waiting" role="row" aria-rowindex={index + 2} aria-busy="true">
      {COLUMNS.map((column) => (
        <span key={column} role="gridcell">
          <span className="blank" />
        </span>
      ))}
    </div>
  )
}
