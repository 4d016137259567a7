/** Something that a button does: whether it is under way, and why it was refused. */

import { useCallback, useState } from 'react'

export interface Action {
  readonly isBusy: boolean
  readonly error: unknown
  /** Do it unless something is under way; resolves with whether it was done. */
  readonly act: (work: () => Promise<unknown>) => Promise<boolean>
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const act = useCallback(
    async (work: () => Promise<unknown>) => {
      if (isBusy) return false
      setBusy(true)
      setError(null)
      try {
        await work()
        return true
      } catch (cause) {
        setError(cause)
        return false
      } finally {
        setBusy(false)
      }
    },
    [isBusy],
  )
  return { isBusy, error, act }
}
