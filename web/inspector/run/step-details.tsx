/** One step: its attempts, what it returned or why it failed. */

import { durationText } from '../parts/format'
import { JsonView } from '../parts/json-view'
import { ExactMoment } from '../parts/times'
import { Trace } from '../parts/trace'
import type { StepLine } from './time-line'

interface StepDetailsProps {
  readonly line: StepLine
  readonly onClose: () => void
}

export function StepDetails({ line, onClose }: StepDetailsProps) {
  const { name, spans, step } = line
  return (
    <div className="block inset">
      <div className="block-head">
        <h4 className="mono">{name}</h4>
        <button type="button" className="button small" onClick={onClose}>
          Close
        </button>
      </div>
      <ol className="tries">
        {spans.map(({ kind, from, to, text }) => (
          <li key={`${kind}${from}`}>
            <span className={`dot ${kind}`} aria-hidden="true" />
            <span>{text}</span>
            <span className="soft figure">{durationText(to - from)}</span>
          </li>
        ))}
      </ol>
      {step !== null && (
        <p className="hint">
          Began <ExactMoment time={step.startedAt} />
        </p>
      )}
      {step?.status === 'completed' && <JsonView label={`Result of ${name}`} value={step.output} />}
      {step !== null && step.error !== null && (
        <Trace text={step.errorTrace ?? `${step.errorType ?? ''} ${step.error}`} />
      )}
    </div>
  )
}
