/** The steps of a run on a line of time. */

import { memo, useRef, useState } from 'react'
import { useClock } from '../parts/clock'
import { counted, durationText } from '../parts/format'
import { VirtualRows } from '../parts/virtual-rows'
import type { RunDetailsState } from './run-details'
import { StepDetails } from './step-details'
import { type Span, type StepLine, type TimeLine, timeLineOf } from './time-line'

const ROW_HEIGHT = 34
/** Width of the drawing, in units of its own. */
const WIDTH = 1000
/** Short steps are seen all the same. */
const LEAST = 4

interface StepsViewProps {
  readonly details: RunDetailsState
}

export function StepsView({ details }: StepsViewProps) {
  const { run } = details
  const scroller = useRef<HTMLDivElement>(null)
  const [chosen, choose] = useState<string | null>(null)
  const now = useClock((time) => time, run === null || run.isTerminal)
  if (run === null) return null
  const timeLine = timeLineOf({ ...details, run }, Math.max(now, Date.now()))
  const { lines, from, to } = timeLine
  const shown = lines.find(({ key }) => key === chosen) ?? null
  if (lines.length === 0) {
    return (
      <p className="hint">
        {!details.isRead
          ? 'Reading the steps…'
          : run.isActive
            ? 'Each step is shown here when it begins.'
            : run.status === 'completed' && run.completedStepCount > 0
              ? 'Its steps went when it completed: an engine with preserve_steps keeps them.'
              : 'It ended without a saved step.'}
      </p>
    )
  }
  return (
    <>
      <p className="axis">
        <span>{counted(lines.length, 'step')}</span>
        <span className="figure">{durationText(to - from)}</span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="steps" ref={scroller} tabIndex={0} aria-label="Steps">
        <VirtualRows scroller={scroller} count={lines.length} rowHeight={ROW_HEIGHT} role="list">
          {(index) => {
            const line = lines[index]
            return (
              line && (
                <StepRow
                  line={line}
                  timeLine={timeLine}
                  isChosen={line.key === chosen}
                  onChoose={choose}
                />
              )
            )
          }}
        </VirtualRows>
      </section>
      {shown !== null && <StepDetails line={shown} onClose={() => choose(null)} />}
    </>
  )
}

interface StepRowProps {
  readonly line: StepLine
  readonly timeLine: TimeLine
  readonly isChosen: boolean
  readonly onChoose: (key: string | null) => void
}

function StepRow({ line, timeLine, isChosen, onChoose }: StepRowProps) {
  const { name, spans, status, attempts, key } = line
  const length = (spans.at(-1)?.to ?? 0) - (spans[0]?.from ?? 0)
  return (
    // biome-ignore lint/a11y/useSemanticElements: its place is in the box of a virtual row
    <div role="listitem" className="step-item">
      <button
        type="button"
        className="step"
        aria-expanded={isChosen}
        onClick={() => onChoose(isChosen ? null : key)}
      >
        <span className="step-name" title={name}>
          <span className={`dot ${status}`} aria-hidden="true" />
          {name}
          {attempts > 1 && <span className="soft"> ×{attempts}</span>}
        </span>
        <Spans spans={spans} from={timeLine.from} to={timeLine.to} />
        <span className="figure soft">
          {durationText(length)}
          <span className="hidden">, {status.replace('_', ' ')}</span>
        </span>
      </button>
    </div>
  )
}

interface SpansProps {
  readonly spans: readonly Span[]
  readonly from: number
  readonly to: number
}

/** Attributes of SVG, where a style would need leave of the page's policy. */
const Spans = memo(function Spans({ spans, from, to }: SpansProps) {
  const scale = WIDTH / (to - from)
  return (
    <svg
      className="spans"
      viewBox={`0 0 ${WIDTH} 10`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {spans.map((span) => {
        const width = Math.max(LEAST, (span.to - span.from) * scale)
        return (
          <rect
            key={`${span.kind}${span.from}`}
            className={span.kind}
            x={Math.min(WIDTH - width, (span.from - from) * scale)}
            y={span.kind === 'waiting' ? 4 : 1}
            width={width}
            height={span.kind === 'waiting' ? 2 : 8}
          >
            <title>{`${span.text}, ${durationText(span.to - span.from)}`}</title>
          </rect>
        )
      })}
    </svg>
  )
})
