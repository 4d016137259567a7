/** The inspector on a page of the lab: `?store=…`, `?theme=dark`, `?as=element` for the custom element. */

import { startApp } from 'durably-py/app'
import {
  DurablyInspector,
  defineInspectorElement,
  type EngineReady,
  type InspectorElement,
  type InspectorTheme,
} from 'durably-py/inspector'
import { DurablyProvider } from 'durably-py/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

const asked = new URLSearchParams(location.search)
const theme = (asked.get('theme') ?? 'auto') as InspectorTheme
const place = document.getElementById('place')

let ready: EngineReady | undefined
const starting = startApp({
  store: asked.get('store') ?? 'durably-lab',
  onReady: (info) => {
    ready = info
  },
})

if (asked.get('as') === 'element') {
  const element = document.createElement('durably-inspector') as InspectorElement
  element.setAttribute('view', 'engine')
  element.theme = theme
  place?.append(element)
  defineInspectorElement()
  const client = await starting
  element.ready = ready ?? null
  element.durably = client
} else if (place !== null) {
  await starting
  createRoot(place).render(
    <StrictMode>
      <DurablyProvider durably={starting} fallback="Starting…">
        <DurablyInspector theme={theme} ready={ready} />
      </DurablyProvider>
    </StrictMode>,
  )
}

window.lab = await starting
