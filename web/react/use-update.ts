/** Watch what is kept of the app for when there is no network. */

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { appOffline } from '../app/index'
import type { OfflineState } from '../offline/index'

export interface UseUpdateResult extends OfflineState {
  /** Let the new version take the place of this one; every tab of the app is loaded anew. */
  readonly apply: () => void
}

const NONE: OfflineState = { isKept: false, part: null, isUpdateReady: false, problem: null }
const NOTHING = { subscribe: () => () => undefined, getSnapshot: () => NONE }

/** Tell whether the app is kept and whether a new version waits; without `offline: true` nothing is. */
export function useUpdate(): UseUpdateResult {
  const app = appOffline()
  const { subscribe, getSnapshot } = app?.state ?? NOTHING
  const state = useSyncExternalStore(subscribe, getSnapshot, NOTHING.getSnapshot)
  const apply = useCallback(() => app?.apply(), [app])
  return useMemo(() => ({ ...state, apply }), [state, apply])
}
