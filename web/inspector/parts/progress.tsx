/** How far a run says it is. */

import type { Progress } from '../../core/index'
import { numberText, percentText } from './format'

function shareOf(progress: Progress | null): number | null {
  return progress?.total ? Math.min(1, progress.current / progress.total) : null
}

/** In a row: a bar, or a number where nobody knows of how many. */
export function ProgressCell({ progress }: { readonly progress: Progress | null }) {
  const share = shareOf(progress)
  if (progress === null) return null
  if (share === null) return <span className="figure">{numberText(progress.current)}</span>
  return (
    <span className="progress-cell">
      <progress aria-label="Progress" value={share} max={1} />
      <span className="figure">{percentText(share)}</span>
    </span>
  )
}

interface ProgressBarProps {
  readonly progress: Progress
  readonly isActive: boolean
}

export function ProgressBar({ progress, isActive }: ProgressBarProps) {
  const share = shareOf(progress)
  return (
    <div className="progress-bar">
      <progress
        aria-label="Progress"
        max={1}
        {...(share === null ? (isActive ? {} : { value: 1 }) : { value: share })}
      />
      <p>
        <span>{progress.message ?? ''}</span>
        <span className="figure">
          {numberText(progress.current)}
          {progress.total ? ` of ${numberText(progress.total)}` : ''}
        </span>
      </p>
    </div>
  )
}
