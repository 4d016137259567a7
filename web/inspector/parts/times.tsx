/** Moments and lengths of time. */

import { useClock } from './clock'
import { absoluteText, durationText, relativeText } from './format'

interface MomentProps {
  /** ISO 8601 UTC text. */
  readonly time: string
}

/** How long ago; the exact time shows on hover. */
export function Moment({ time }: MomentProps) {
  const at = Date.parse(time)
  const text = useClock((now) => relativeText(at, now))
  return (
    <time dateTime={time} title={absoluteText(at)}>
      {text}
    </time>
  )
}

/** The exact time, with how long ago behind it. */
export function ExactMoment({ time }: MomentProps) {
  const at = Date.parse(time)
  const ago = useClock((now) => relativeText(at, now))
  return (
    <time dateTime={time}>
      {absoluteText(at)} <span className="soft unbroken">({ago})</span>
    </time>
  )
}

interface LengthProps {
  readonly from: string
  /** Null while it goes on. */
  readonly to: string | null
}

/** How long it took, or takes until now. */
export function Length({ from, to }: LengthProps) {
  const start = Date.parse(from)
  const text = useClock(
    (now) => durationText((to === null ? now : Date.parse(to)) - start),
    to !== null,
  )
  return <span className="figure">{text}</span>
}
