/** Whether the app works without a network, and a new version that may be taken. */

import { useUpdate } from 'durably-py/react'

export function KeptNotice() {
  const { isKept, part, isUpdateReady, problem, apply } = useUpdate()
  if (isUpdateReady) {
    return (
      <p className="hint" role="status">
        A new version is here; imports go on with it.{' '}
        <button type="button" className="link" onClick={apply} data-testid="update">
          Take it
        </button>
      </p>
    )
  }
  const line = problem ?? (isKept ? 'This page works offline.' : null)
  if (line !== null) {
    return (
      <p className="hint" data-testid="kept" data-kept={isKept}>
        {line}
      </p>
    )
  }
  if (part === null) return null
  return <p className="hint">Being kept for when there is no network: {Math.round(part * 100)} %</p>
}
