/** Says so while the engine waits out a fault of its storage, or does not answer. */

import { useDurably } from 'durably-py/react'
import { Problem } from './problem'

export function HealthNotice() {
  const { health, problem } = useDurably()
  const fault = health?.fault ?? null
  if (problem !== null)
    return <Problem title="Python does not answer" error={problem} role="status" />
  if (fault === null) return null
  return (
    <Problem title="The import waits" error={`${fault.code}: ${fault.message}`} role="status" />
  )
}
