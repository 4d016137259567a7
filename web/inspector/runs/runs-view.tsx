/** All runs of the store, or those that are chosen. */

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import type { DurablyClient } from '../../core/index'
import { counted } from '../parts/format'
import { Problem } from '../parts/problem'
import { useAnswer } from '../parts/use-answer'
import { EVERYTHING, type FilterChoice, filterOf, RunFilters } from './run-filters'
import { RunPages } from './run-pages'
import { type ListPlace, RunsTable } from './runs-table'

/** What is kept while another view is shown. */
export interface RunsChoice {
  readonly filter: FilterChoice
  readonly place: ListPlace
}

export const FIRST_CHOICE: RunsChoice = {
  filter: EVERYTHING,
  place: { offset: 0, index: null },
}

interface RunsViewProps {
  readonly durably: DurablyClient
  readonly choice: RunsChoice
  readonly onChoose: (choice: RunsChoice) => void
  readonly onOpen: (runId: string) => void
  readonly onTrigger: () => void
}

export function RunsView({ durably, choice, onChoose, onOpen, onTrigger }: RunsViewProps) {
  const { value: jobs } = useAnswer(useCallback(() => durably.jobs(), [durably]))
  const key = JSON.stringify(filterOf(choice.filter) ?? {})
  const pages = useMemo(() => new RunPages(durably, JSON.parse(key)), [durably, key])
  const { count, isCounted, error } = useSyncExternalStore(pages.subscribe, pages.getSnapshot)
  const choose = useCallback(
    (filter: FilterChoice) => onChoose({ ...FIRST_CHOICE, filter }),
    [onChoose],
  )
  const open = useCallback(
    (runId: string, place: ListPlace) => {
      onChoose({ ...choice, place })
      onOpen(runId)
    },
    [choice, onChoose, onOpen],
  )
  const isEmpty = isCounted && count === 0
  const isAll = key === '{}'
  return (
    <section className="view" aria-label="Runs">
      <RunFilters jobs={jobs ?? []} choice={choice.filter} onChoose={choose}>
        <p className="count figure" role="status">
          {isCounted ? counted(count, 'run') : 'Counting…'}
        </p>
      </RunFilters>
      {error !== null && (
        <Problem title="The runs can’t be read" error={error}>
          <button type="button" className="button small" onClick={pages.refresh}>
            Try again
          </button>
        </Problem>
      )}
      {isEmpty ? (
        <div className="empty">
          <p>
            <strong>{isAll ? 'There are no runs yet' : 'No run is like that'}</strong>
          </p>
          <p>
            {isAll
              ? 'A run is made when a job is triggered: by the app, or from here.'
              : 'Runs that come to match are shown here by themselves.'}
          </p>
          {isAll ? (
            <button type="button" className="button primary" onClick={onTrigger}>
              Trigger a job
            </button>
          ) : (
            <button type="button" className="button" onClick={() => choose(EVERYTHING)}>
              Show all runs
            </button>
          )}
        </div>
      ) : (
        <RunsTable key={key} pages={pages} place={choice.place} onOpen={open} />
      )}
    </section>
  )
}
