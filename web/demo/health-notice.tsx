/** Says so while the engine waits out a fault of its storage, or does not answer. */

import { useDurably } from 'durably-py/react'
import { Problem } from './problem'

export function HealthNotice() {
  const { health, problem } = useDurably()
  const fault = health?.fault ?? null
  if (problem !== null)
    return <Problem title="Python does not answer" error={problem} role="status" />
  const lostSince = health?.storage?.lostSince
  if (lostSince !== undefined) {
    const error = `The browser was short of room and has removed what was imported until ${new Date(lostSince).toLocaleString()}.`
    return <Problem title="Imports are gone" error={error} role="status" />
  }
  if (fault === null) return null
  return (
    <Problem title="The import waits" error={`${fault.code}: ${fault.message}`} role="status" />
  )
}
