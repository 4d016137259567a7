/** Puts the client where every hook finds it. */

import {
  createContext,
  type ReactNode,
  Suspense,
  use,
  useContext,
  useMemo,
  useSyncExternalStore,
} from 'react'
import { type DurablyClient, DurablyError, type EngineStatus } from '../core/index'

/** What `useDurably` gives: the client, which tab owns the engine, and how the engine is. */
export interface UseDurablyResult extends EngineStatus {
  readonly durably: DurablyClient
}

export interface DurablyProviderProps {
  /**
   * The client, or the promise of one that is still starting. Make it outside of rendering: a
   * new promise at each render starts anew each time.
   */
  readonly durably: DurablyClient | Promise<DurablyClient>
  /** Shown until the promise is fulfilled. Without it the nearest `Suspense` above decides. */
  readonly fallback?: ReactNode
  readonly children?: ReactNode
}

const DurablyContext = createContext<DurablyClient | null>(null)

/** Give *durably* to the hooks below. A rejected promise throws to the nearest error boundary. */
export function DurablyProvider({ durably, fallback, children }: DurablyProviderProps) {
  const resolved = <Resolved durably={durably}>{children}</Resolved>
  return fallback === undefined ? resolved : <Suspense fallback={fallback}>{resolved}</Suspense>
}

function Resolved({ durably, children }: Omit<DurablyProviderProps, 'fallback'>) {
  const client = durably instanceof Promise ? use(durably) : durably
  return <DurablyContext value={client}>{children}</DurablyContext>
}

/** Return the client of the provider above. */
export function useClient(): DurablyClient {
  const client = useContext(DurablyContext)
  if (client === null) {
    throw new DurablyError('provider_missing', 'no <DurablyProvider> stands above this component')
  }
  return client
}

/** Return the client of the provider above and what is known of its engine; renders at each change. */
export function useDurably(): UseDurablyResult {
  const durably = useClient()
  const { subscribe, getSnapshot } = durably.status
  const status = useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
  return useMemo(() => ({ durably, ...status }), [durably, status])
}
