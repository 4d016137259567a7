/** Watch one run, or its log alone, by its id. */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { initialRun, type Json, type LogEntry, type RunState, type RunStatus } from '../core/index'
import { unchanging } from '../core/watched'
import { useClient } from './durably-provider'
import { type RunResult, resultOf } from './run-result'

export interface UseJobRunOptions {
  /** Null watches nothing. */
  readonly runId: string | null
  /** Called when the run is first known to wait or to run. */
  readonly onStart?: (() => void) | undefined
  readonly onComplete?: (() => void) | undefined
  readonly onFail?: (() => void) | undefined
  readonly onCancel?: (() => void) | undefined
}

const NOTHING = unchanging(initialRun(null))

function useRunStore(runId: string | null) {
  const durably = useClient()
  return useMemo(() => (runId === null ? NOTHING : durably.runStore(runId)), [durably, runId])
}

/** Watch a run: its true status from the first answer on, whether it is under way or over. */
export function useJobRun<Output = Json>(options: UseJobRunOptions): RunResult<Output> {
  const { subscribe, getSnapshot } = useRunStore(options.runId)
  const run = useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
  useTurns(run, options)
  return useMemo(() => resultOf<Output>(run), [run])
}

/** Tell of each state that the run enters, once, whatever is rendered or mounted twice. */
function useTurns({ runId, status }: RunState, options: UseJobRunOptions): void {
  const told = useRef<{ runId: string | null; status: RunStatus | null }>({ runId, status: null })
  useEffect(() => {
    if (told.current.runId !== runId) told.current = { runId, status: null }
    const before = told.current.status
    if (status === null || status === before) return
    told.current.status = status
    if (status === 'completed') options.onComplete?.()
    else if (status === 'failed') options.onFail?.()
    else if (status === 'cancelled') options.onCancel?.()
    else if (before === null) options.onStart?.()
  })
}

export interface UseJobLogsOptions {
  /** Null watches nothing. */
  readonly runId: string | null
  /** The newest entries that are kept. Default: all that the run's state keeps, 1,000. */
  readonly maxLogs?: number | undefined
}

export interface UseJobLogsResult {
  /** Oldest first. */
  readonly logs: readonly LogEntry[]
  /** Hide what is there now; later lines are shown. */
  readonly clearLogs: () => void
}

/** Watch the log of a run. Renders when there is a new line, and not for the run's other news. */
export function useJobLogs({ runId, maxLogs = 0 }: UseJobLogsOptions): UseJobLogsResult {
  const store = useRunStore(runId)
  const getLogs = useCallback(() => store.getSnapshot().logs, [store])
  const all = useSyncExternalStore(store.subscribe, getLogs, getLogs)
  const [cleared, setCleared] = useState<ReadonlySet<string>>(NONE)
  const clearLogs = useCallback(
    () => setCleared(new Set(store.getSnapshot().logs.map(({ id }) => id))),
    [store],
  )
  return useMemo(() => {
    const shown = cleared.size === 0 ? all : all.filter(({ id }) => !cleared.has(id))
    return { logs: maxLogs > 0 ? shown.slice(-maxLogs) : shown, clearLogs }
  }, [all, cleared, maxLogs, clearLogs])
}

const NONE: ReadonlySet<string> = new Set()
