/** A window into an engine: its runs, its jobs, its store. A React component and a custom element. */

export { DurablyInspector, type DurablyInspectorProps } from './durably-inspector'
export { defineInspectorElement, type InspectorElement } from './element'
export type { EngineReady, InspectorTheme, InspectorView } from './options'
