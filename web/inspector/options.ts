/** What a page may choose of the inspector. */

export type InspectorTheme = 'auto' | 'light' | 'dark'

export type InspectorView = 'runs' | 'trigger' | 'store' | 'engine'

/** What `onReady` of `startApp` and `startDurably` is told; the client does not keep it. */
export interface EngineReady {
  readonly workerId: string
  readonly pythonVersion: string
  readonly sqliteVersion: string
  readonly bootedFrom: 'parts' | 'snapshot'
  /** Milliseconds from the worker's start to the end of each stage. */
  readonly marks: Readonly<Partial<Record<string, number>>>
}

/** The part of a page's choices that is not the client. */
export interface InspectorOptions {
  /** Default: `auto`, light or dark as the system is. */
  readonly theme?: InspectorTheme | undefined
  /** What is shown first. Default: `runs`. */
  readonly defaultView?: InspectorView | undefined
  /** What the engine said when it was ready: how it was booted, and its versions. */
  readonly ready?: EngineReady | undefined
}

export const VIEWS: readonly { readonly view: InspectorView; readonly name: string }[] = [
  { view: 'runs', name: 'Runs' },
  { view: 'trigger', name: 'Trigger' },
  { view: 'store', name: 'Store' },
  { view: 'engine', name: 'Engine' },
]

export function isView(value: string | null): value is InspectorView {
  return VIEWS.some(({ view }) => view === value)
}

export function isTheme(value: string | null): value is InspectorTheme {
  return value === 'auto' || value === 'light' || value === 'dark'
}
