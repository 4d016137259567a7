/** Watch what a run waits for, and tell it. */

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import {
  type AskedState,
  type DurablyError,
  type SignalAnswer,
  type Wait,
  WaitsStore,
} from '../core/index'
import { unchanging } from '../core/watched'
import { useClient } from './durably-provider'

export interface UseWaitsResult {
  /** All that the run has waited for, or waits for, in the order it came to it. */
  readonly waits: readonly Wait[]
  /** Those that somebody is to answer now. */
  readonly open: readonly Wait[]
  readonly error: DurablyError | null
  /** Whether the first answer is still to come. */
  readonly isLoading: boolean
  /** Tell a wait what it waits for; rejects with a `DurablyError`. */
  readonly signal: (waitId: string, payload: unknown) => Promise<SignalAnswer>
}

const NONE: readonly Wait[] = []
const NOTHING = unchanging<AskedState<readonly Wait[]>>({
  data: null,
  error: null,
  isFetching: false,
})

/** Watch the waits of a run; null watches nothing. */
export function useWaits(runId: string | null): UseWaitsResult {
  const durably = useClient()
  const store = useMemo(
    () => (runId === null ? NOTHING : new WaitsStore(durably, runId)),
    [durably, runId],
  )
  const { subscribe, getSnapshot } = store
  const state = useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
  const signal = useCallback(
    (waitId: string, payload: unknown) => durably.signal(waitId, payload),
    [durably],
  )
  return useMemo(() => {
    const waits = state.data ?? NONE
    const open = waits.filter(({ kind, status }) => kind === 'signal' && status === 'pending')
    return {
      waits,
      open,
      error: state.error,
      isLoading: state.isFetching && state.data === null,
      signal,
    }
  }, [state, signal])
}
