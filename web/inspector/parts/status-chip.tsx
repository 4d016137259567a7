/** A run's status: a word with a colour, never a colour alone. */

import type { RunStatus } from '../../core/index'

export const STATUSES: readonly RunStatus[] = [
  'pending',
  'leased',
  'waiting',
  'completed',
  'failed',
  'cancelled',
]

interface StatusChipProps {
  readonly status: RunStatus
  readonly isParked?: boolean
  /** ISO 8601 UTC text. */
  readonly availableAt?: string | null
}

export function StatusChip({ status, isParked = false, availableAt = null }: StatusChipProps) {
  return (
    <span className={`chip ${status}`} data-status={status}>
      {status === 'pending' && isParked ? 'parked' : nameOf(status, availableAt)}
    </span>
  )
}

function nameOf(status: RunStatus, availableAt: string | null): string {
  return status === 'pending' && availableAt !== null ? 'backing off' : status
}
