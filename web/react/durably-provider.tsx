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
import { appClient } from '../app/index'
import {
  type Boot,
  type DurablyClient,
  DurablyError,
  type EngineStatus,
  type Watchable,
} from '../core/index'
import { unchanging } from '../core/watched'

/** What `useDurably` gives: the client, which tab owns the engine, and how the engine is. */
export interface UseDurablyResult extends EngineStatus {
  readonly durably: DurablyClient
}

export interface DurablyProviderProps {
  /**
   * The client, or the promise of one that is still starting. Make it outside of rendering: a
   * new promise at each render starts anew each time. Without it, the one that the `durablyPy`
   * plugin knows is started, once for the page.
   */
  readonly durably?: DurablyClient | Promise<DurablyClient>
  /**
   * Shown until the promise is fulfilled; a function is told how far the start is. Without it the
   * nearest `Suspense` above decides.
   */
  readonly fallback?: ReactNode | ((boot: Boot) => ReactNode)
  readonly children?: ReactNode
}

const DurablyContext = createContext<DurablyClient | null>(null)

/** Give *durably* to the hooks below. A rejected promise throws to the nearest error boundary. */
export function DurablyProvider({ durably, fallback, children }: DurablyProviderProps) {
  const source = durably ?? clientOfApp()
  const waiting =
    typeof fallback === 'function' ? <Waiting source={source} show={fallback} /> : fallback
  if (source === null) return waiting
  const resolved = <Resolved source={source}>{children}</Resolved>
  return fallback === undefined ? resolved : <Suspense fallback={waiting}>{resolved}</Suspense>
}

/** Null on a server: a page is rendered there before it has anything to start. */
function clientOfApp(): Promise<DurablyClient> | null {
  const client = appClient()
  if (client !== null || typeof document === 'undefined') return client
  throw new DurablyError(
    'provider_missing',
    'this <DurablyProvider> has no client: give it one (durably={startDurably(…)}), or let the ' +
      'durablyPy() plugin of durably-py/vite build the app',
  )
}

interface ResolvedProps {
  readonly source: DurablyClient | Promise<DurablyClient>
  readonly children?: ReactNode
}

function Resolved({ source, children }: ResolvedProps) {
  const client = source instanceof Promise ? use(source) : source
  return <DurablyContext value={client}>{children}</DurablyContext>
}

interface WaitingProps {
  readonly source: object | null
  readonly show: (boot: Boot) => ReactNode
}

function Waiting({ source, show }: WaitingProps) {
  const { subscribe, getSnapshot } = bootOf(source)
  return show(useSyncExternalStore(subscribe, getSnapshot, getSnapshot))
}

/** Of a promise that does not tell how far it is. */
const UNKNOWN = unchanging<Boot>({ stage: 'manifest', part: 0, problem: null })

function bootOf(source: object | null): Watchable<Boot> {
  return source !== null && 'boot' in source ? (source.boot as Watchable<Boot>) : UNKNOWN
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
