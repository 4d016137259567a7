/** Watch what is kept of the app for when there is no network. */

import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { appOffline } from '../app/index'
import { unchanging } from '../core/watched'
import type { OfflineState } from '../offline/index'
import { NOTHING_KEPT } from '../offline/offline-app'

export interface UseUpdateResult extends OfflineState {
  /** Let the new version take the place of this one; every tab of the app is loaded anew. */
  readonly apply: () => void
}

const NOTHING = unchanging(NOTHING_KEPT)

/** Tell whether the app is kept and whether a new version waits; without `offline: true` nothing is. */
export function useUpdate(): UseUpdateResult {
  const app = appOffline()
  const { subscribe, getSnapshot } = app?.state ?? NOTHING
  const state = useSyncExternalStore(subscribe, getSnapshot, NOTHING.getSnapshot)
  const apply = useCallback(() => app?.apply(), [app])
  return useMemo(() => ({ ...state, apply }), [state, apply])
}
