/** The inspector as a React component, in a shadow root of its own. */

import { useCallback, useState } from 'react'
import { createPortal } from 'react-dom'
import type { DurablyClient } from '../core/index'
import { DurablyProvider } from '../react/index'
import { Inspector } from './inspector'
import type { InspectorOptions } from './options'
import { styled } from './sheet'

export interface DurablyInspectorProps extends InspectorOptions {
  /** Default: the client of the `DurablyProvider` above. */
  readonly durably?: DurablyClient | undefined
}

/** Show runs, jobs, store and engine. No style of the page gets in, none of these gets out. */
export function DurablyInspector({ durably, ...options }: DurablyInspectorProps) {
  const [shadow, setShadow] = useState<ShadowRoot | null>(null)
  // A shadow root outlives its mounts: a host can have one only.
  const attach = useCallback((host: HTMLElement | null) => {
    if (host !== null) setShadow(styled(host.shadowRoot ?? host.attachShadow({ mode: 'open' })))
  }, [])
  const inspector = <Inspector {...options} />
  return (
    <div ref={attach} data-durably-inspector="">
      {shadow !== null &&
        createPortal(
          durably === undefined ? (
            inspector
          ) : (
            <DurablyProvider durably={durably}>{inspector}</DurablyProvider>
          ),
          shadow,
        )}
    </div>
  )
}
