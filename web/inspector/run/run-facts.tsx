/** The facts of a run, in short. */

import type { ReactNode } from 'react'
import type { ClientRun, StepAttempt } from '../../core/index'
import { numberText } from '../parts/format'
import { LabelList } from '../parts/labels'
import { ExactMoment, Length } from '../parts/times'

interface RunFactsProps {
  readonly run: ClientRun
  readonly steps: number
  readonly attempts: readonly StepAttempt[]
  readonly onOpen: (runId: string) => void
}

export function RunFacts({ run, steps, attempts, onOpen }: RunFactsProps) {
  const { id, labels, createdAt, startedAt, completedAt, parentId, isTerminal } = run
  const goesOn = run.availableAt ?? run.waitingUntil
  const retried = attempts.filter(({ number }) => number > 1).length
  return (
    <dl className="facts">
      <Fact name="Id">
        <span className="mono wrap">{id}</span>
      </Fact>
      <Fact name="Created">
        <ExactMoment time={createdAt} />
      </Fact>
      {startedAt !== null && (
        <Fact name="Started">
          <ExactMoment time={startedAt} />
        </Fact>
      )}
      {goesOn !== null && !isTerminal && (
        <Fact name={run.isWaiting ? 'Waits until' : 'Goes on'}>
          <ExactMoment time={goesOn} />
        </Fact>
      )}
      {parentId !== null && (
        <Fact name="Called by">
          <button type="button" className="link mono wrap" onClick={() => onOpen(parentId)}>
            {parentId}
          </button>
        </Fact>
      )}
      {completedAt !== null && isTerminal && (
        <Fact name="Ended">
          <ExactMoment time={completedAt} />
        </Fact>
      )}
      {startedAt !== null && (!isTerminal || completedAt !== null) && (
        <Fact name={isTerminal ? 'Took' : 'So far'}>
          <Length from={startedAt} to={isTerminal ? completedAt : null} />
        </Fact>
      )}
      <Fact name="Steps saved">{numberText(Math.max(run.completedStepCount, steps))}</Fact>
      {attempts.length > 0 && (
        <Fact name="Attempts">
          {numberText(attempts.length)}
          {retried > 0 && <span className="soft"> ({numberText(retried)} tried again)</span>}
        </Fact>
      )}
      {Object.keys(labels).length > 0 && (
        <Fact name="Labels">
          <LabelList labels={labels} />
        </Fact>
      )}
    </dl>
  )
}

interface FactProps {
  readonly name: string
  readonly children: ReactNode
}

function Fact({ name, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
