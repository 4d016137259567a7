/** The inspector as a custom element, for pages that are not made with React. */

import { createRoot, type Root } from 'react-dom/client'
import type { DurablyClient } from '../core/index'
import { DurablyProvider } from '../react/index'
import { Inspector } from './inspector'
import { type EngineReady, type InspectorTheme, isTheme, isView } from './options'
import { styled } from './sheet'

/** `<durably-inspector theme="dark" view="runs">`; nothing is shown until it has a client. */
export interface InspectorElement extends HTMLElement {
  durably: DurablyClient | null
  /** What the engine said when it was ready. */
  ready: EngineReady | null
  /** As the attribute `theme` says. */
  theme: InspectorTheme
}

/** Register the custom element; a second time does nothing. */
export function defineInspectorElement(name = 'durably-inspector'): void {
  if (customElements.get(name) === undefined) customElements.define(name, classOf())
}

/** Made when it is asked for: on a server there is no `HTMLElement`. */
function classOf(): CustomElementConstructor {
  return class extends HTMLElement implements InspectorElement {
    static readonly observedAttributes = ['theme']

    #durably: DurablyClient | null = null
    #ready: EngineReady | null = null
    #root: Root | null = null

    get durably(): DurablyClient | null {
      return this.#durably
    }

    set durably(client: DurablyClient | null) {
      this.#durably = client
      this.#render()
    }

    get ready(): EngineReady | null {
      return this.#ready
    }

    set ready(ready: EngineReady | null) {
      this.#ready = ready
      this.#render()
    }

    get theme(): InspectorTheme {
      const theme = this.getAttribute('theme')
      return isTheme(theme) ? theme : 'auto'
    }

    set theme(theme: InspectorTheme) {
      this.setAttribute('theme', theme)
    }

    connectedCallback(): void {
      // Set before the element was defined, a property hides the accessor.
      for (const name of ['durably', 'ready', 'theme'] as const) {
        if (!Object.hasOwn(this, name)) continue
        const value = this[name]
        Reflect.deleteProperty(this, name)
        Reflect.set(this, name, value)
      }
      this.#render()
    }

    attributeChangedCallback(): void {
      this.#render()
    }

    disconnectedCallback(): void {
      // Moved within the page it is connected again at once, and keeps what it shows.
      queueMicrotask(() => {
        if (this.isConnected) return
        this.#root?.unmount()
        this.#root = null
      })
    }

    #render(): void {
      if (!this.isConnected) return
      const shadow = styled(this.shadowRoot ?? this.attachShadow({ mode: 'open' }))
      this.#root ??= createRoot(shadow)
      const view = this.getAttribute('view')
      this.#root.render(
        this.#durably && (
          <DurablyProvider durably={this.#durably}>
            <Inspector
              theme={this.theme}
              defaultView={isView(view) ? view : undefined}
              ready={this.#ready ?? undefined}
            />
          </DurablyProvider>
        ),
      )
    }
  }
}
