/** The page's views, each at an address of its own. */

import { useSyncExternalStore } from 'react'

const VIEWS = [
  ['import', 'Import'],
  ['tables', 'Tables'],
  ['inspector', 'Inspector'],
] as const

export type View = (typeof VIEWS)[number][0]

const subscribe = (listener: () => void) => {
  window.addEventListener('hashchange', listener)
  return () => window.removeEventListener('hashchange', listener)
}

const viewNow = (): View => VIEWS.find(([view]) => location.hash === `#${view}`)?.[0] ?? VIEWS[0][0]

export function useView(): View {
  return useSyncExternalStore(subscribe, viewNow)
}

export function ViewLinks() {
  const shown = useView()
  return (
    <nav className="views" aria-label="Views">
      {VIEWS.map(([view, label]) => (
        <a key={view} href={`#${view}`} aria-current={view === shown ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  )
}
