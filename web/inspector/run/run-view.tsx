/** One run: what it was given, how it goes, what came of it. */

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { ClientRun, DurablyClient, RunState } from '../../core/index'
import { JsonView } from '../parts/json-view'
import { Problem } from '../parts/problem'
import { ProgressBar } from '../parts/progress'
import { StatusChip } from '../parts/status-chip'
import { Trace } from '../parts/trace'
import { findBlobs } from './find-blobs'
import { RunActions } from './run-actions'
import { RunDetails } from './run-details'
import { RunFacts } from './run-facts'
import { RunFiles } from './run-files'
import { RunLog } from './run-log'
import { RunWaits } from './run-waits'
import { StepsView } from './steps-view'

interface RunViewProps {
  readonly durably: DurablyClient
  readonly runId: string
  readonly onBack: () => void
  readonly onOpen: (runId: string) => void
}

export function RunView({ durably, runId, onBack, onOpen }: RunViewProps) {
  const details = useMemo(() => new RunDetails(durably, runId), [durably, runId])
  const known = useSyncExternalStore(details.subscribe, details.getSnapshot)
  const store = useMemo(() => durably.runStore(runId), [durably, runId])
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot)
  const heading = useRef<HTMLHeadingElement>(null)
  const run = known.run === null ? null : withNews(known.run, state)
  const isThere = run !== null
  useEffect(() => {
    if (isThere) heading.current?.focus()
  }, [isThere])
  const files = useMemo(
    () => (run === null ? [] : findBlobs(run.input, run.output)),
    [run?.input, run?.output, run],
  )
  return (
    <section className="view" aria-label="Run">
      <button type="button" className="link back" onClick={onBack}>
        All runs
      </button>
      {known.isGone && (
        <div className="empty">
          <p>
            <strong>This run is gone</strong>
          </p>
          <p>It was deleted, or the store is another one now.</p>
        </div>
      )}
      {known.error !== null && <Problem title="The run can’t be read" error={known.error} />}
      {run === null && !known.isGone && known.error === null && (
        <p className="hint">Reading the run…</p>
      )}
      {run !== null && !known.isGone && (
        <>
          <header className="run-head">
            <div className="run-title">
              <h2 ref={heading} tabIndex={-1}>
                {run.jobName}
              </h2>
              <StatusChip
                status={run.status}
                isParked={run.isParked}
                availableAt={run.availableAt}
              />
            </div>
            <RunActions durably={durably} run={run} onOpen={onOpen} onGone={onBack} />
          </header>
          <RunFacts
            run={run}
            steps={known.steps.length}
            attempts={known.attempts}
            onOpen={onOpen}
          />
          {run.progress !== null && <ProgressBar progress={run.progress} isActive={run.isActive} />}
          {run.error !== null && <Failure run={run} />}
          <div className="block">
            <h3>Steps</h3>
            <StepsView details={{ ...known, run }} />
          </div>
          <RunWaits durably={durably} runId={runId} onOpen={onOpen} />
          <div className="pair">
            <div className="block">
              <h3>Input</h3>
              <JsonView label="Input" value={run.input} />
            </div>
            <div className="block">
              <h3>Output</h3>
              {run.status === 'completed' ? (
                <JsonView label="Output" value={run.output} />
              ) : (
                <p className="hint">There is none: the run has not completed.</p>
              )}
            </div>
          </div>
          {files.length > 0 && <RunFiles durably={durably} files={files} />}
          <RunLog logs={state.logs} />
        </>
      )}
    </section>
  )
}

/** The run as it was read, with what has been told of it since. */
function withNews(run: ClientRun, state: RunState): ClientRun {
  if (state.status === null || state.isDeleted) return run
  const { status, progress, output, error, errorType, availableAt, isParked } = state
  const { isActive, isTerminal, isWaiting, waitingUntil } = state
  return {
    ...run,
    ...{ status, progress, output, error, errorType, availableAt, isParked },
    ...{ isActive, isTerminal, isWaiting, waitingUntil },
  }
}

function Failure({ run }: { readonly run: ClientRun }) {
  return (
    <section className="problem" aria-label="Error">
      <p className="problem-title">
        {run.errorType ?? 'Error'} <span className="plain-text">{run.error}</span>
      </p>
      {run.errorTrace !== null && (
        <details>
          <summary>Traceback</summary>
          <Trace text={run.errorTrace} />
        </details>
      )}
    </section>
  )
}
