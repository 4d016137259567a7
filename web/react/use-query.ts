/** Ask a function that the app registered with `@query`. */

import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import {
  type DurablyError,
  type Json,
  type QueryRef,
  type QueryState,
  QueryStore,
  type RefetchOn,
  type TriggerInput,
} from '../core/index'
import { nameOf } from '../core/job-ref'
import { unchanging } from '../core/watched'
import { useClient } from './durably-provider'
import { useStable } from './use-stable'

export interface UseQueryOptions {
  /** Whether to ask at all. Default: true. */
  readonly enabled?: boolean | undefined
  /** Ask again when a run that this names changes: is claimed, saves a step, ends. */
  readonly refetchOn?: RefetchOn | undefined
}

export interface UseQueryResult<Output> {
  /** The newest answer, to the former question while a new one is asked. Null before the first. */
  readonly data: Output | null
  readonly error: DurablyError | null
  /** Whether the first answer is still to come. */
  readonly isLoading: boolean
  readonly isFetching: boolean
  /** Ask again; resolves when the answer is there. */
  readonly refetch: () => Promise<void>
}

const NOTHING = {
  ...unchanging<QueryState<never>>({ data: null, error: null, isFetching: false }),
  refetch: () => Promise.resolve(),
}

/** Ask *query* with *input*, which is compared by its content. */
export function useQuery<Name extends string, Input, Output>(
  query: QueryRef<Name, Input, Output>,
  input: TriggerInput<Input>,
  options?: UseQueryOptions,
): UseQueryResult<Output>
export function useQuery<Output = Json>(
  name: string,
  input: unknown,
  options?: UseQueryOptions,
): UseQueryResult<Output>
export function useQuery<Output>(
  query: string | QueryRef<string, unknown, Output>,
  input: unknown,
  { enabled = true, refetchOn }: UseQueryOptions = {},
): UseQueryResult<Output> {
  const durably = useClient()
  const name = nameOf(query)
  const asked = useStable(input)
  const chosen = useStable(refetchOn)
  const before = useRef<{ name: string; data: Output | null }>({ name, data: null })
  const store = useMemo(() => {
    if (!enabled) return NOTHING
    const known = before.current.name === name ? before.current.data : null
    return new QueryStore<Output>(durably, name, asked, chosen, known)
  }, [durably, name, asked, chosen, enabled])
  const { subscribe, getSnapshot, refetch } = store
  const state: QueryState<Output> = useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
  useEffect(() => {
    before.current = { name, data: state.data }
  }, [name, state.data])
  return useMemo(
    () => ({ ...state, isLoading: state.isFetching && state.data === null, refetch }),
    [state, refetch],
  )
}
