/** Parts of what shows a run: how far it is, and its log. */

import type { LogEntry, Progress } from 'durably-py'
import { counted, percent } from './words'

interface ProgressBarProps {
  readonly progress: Progress | null
  readonly label: string
  /** What is said before the run says something itself. */
  readonly idle: string
}

export function ProgressBar({ progress, label, idle }: ProgressBarProps) {
  const share = progress?.total ? progress.current / progress.total : null
  return (
    <div className="bar">
      <progress aria-label={label} {...(share === null ? {} : { value: share })} max={1} />
      <p>
        <span data-testid="progress-message">{progress?.message ?? idle}</span>
        <span data-testid="percent">{share === null ? '' : percent(share)}</span>
      </p>
    </div>
  )
}

export function LogLines({
  logs,
  isOpen,
}: {
  readonly logs: readonly LogEntry[]
  readonly isOpen: boolean
}) {
  return (
    <details className="log" open={isOpen}>
      <summary>Log, {counted(logs.length, 'line')}</summary>
      <ol data-testid="log" reversed>
        {logs.toReversed().map(({ id, level, message }) => (
          <li key={id} className={level}>
            {level !== 'info' && <span className="level">{level}</span>} {message}
          </li>
        ))}
      </ol>
    </details>
  )
}
