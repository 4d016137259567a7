/** The answer of a `@query` function. */

import { type AskedState, AskedStore, type RefetchOn } from './asked-store'
import type { DurablyClient } from './client'
import type { EventType } from './events'

export type QueryState<Output> = AskedState<Output>

const CHANGES: readonly EventType[] = [
  'run:leased',
  'run:release',
  'run:waiting',
  'run:resume',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:delete',
  'step:complete',
]

/** Asks again when the runs that *refetchOn* names change. Shape fits `useSyncExternalStore`. */
export class QueryStore<Output> extends AskedStore<Output> {
  /** *before* is shown until there is an answer, such as that to the question before. */
  constructor(
    client: DurablyClient,
    name: string,
    input: unknown,
    refetchOn?: RefetchOn,
    before: Output | null = null,
  ) {
    const ask = (signal: AbortSignal) => client.query<Output>(name, input, signal)
    super(client, ask, CHANGES, refetchOn, before)
  }
}
