/** Watch when jobs run by themselves, and let them rest. */

import { useMemo, useSyncExternalStore } from 'react'
import {
  AskedStore,
  type DurablyClient,
  type DurablyError,
  type EventType,
  type Schedule,
  type TriggerAnswer,
} from '../core/index'
import { useClient } from './durably-provider'

export interface UseSchedulesResult {
  readonly schedules: readonly Schedule[]
  readonly error: DurablyError | null
  /** Whether the first answer is still to come. */
  readonly isLoading: boolean
  readonly pause: (name: string) => Promise<void>
  readonly resume: (name: string) => Promise<void>
  readonly trigger: (name: string) => Promise<TriggerAnswer>
  /** Ask again; resolves when the answer is there. */
  readonly refetch: () => Promise<void>
}

const NONE: readonly Schedule[] = []
/** A slot that is met makes a run. */
const CHANGES: readonly EventType[] = ['run:trigger']

/** Watch the schedules of all jobs. */
export function useSchedules(): UseSchedulesResult {
  const durably = useClient()
  const { store, actions } = useMemo(() => schedulesOf(durably), [durably])
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot)
  return useMemo(
    () => ({
      schedules: state.data ?? NONE,
      error: state.error,
      isLoading: state.isFetching && state.data === null,
      ...actions,
    }),
    [state, actions],
  )
}

function schedulesOf(durably: DurablyClient) {
  const ask = () => durably.schedules()
  const store = new AskedStore(durably, ask, CHANGES, { labels: {} }, null)
  const refetch = () => store.refetch()
  const actions = {
    pause: (name: string) => durably.pauseSchedule(name).then(refetch),
    resume: (name: string) => durably.resumeSchedule(name).then(refetch),
    trigger: (name: string) => durably.triggerSchedule(name),
    refetch,
  }
  return { store, actions }
}
