/** What stands in the place of `durably-py/app` once a build knows where the app's parts lie. */

import { SERVICE_WORKER } from './service-worker'

export interface AppPlace {
  /** Expressions of JavaScript: the addresses of the manifest and of the worker. */
  readonly manifest: string
  readonly worker: string
  readonly store: string
  /** Vite's `base`; null where nothing is kept for when there is no network. */
  readonly offlineBase: string | null
  readonly isolatesOffline: boolean
}

export function appModule(place: AppPlace): string {
  return `import { ${place.offlineBase === null ? '' : 'OfflineApp, '}startDurably } from 'durably-py'

const place = { manifestUrl: ${place.manifest}, worker: ${place.worker} }
const store = ${JSON.stringify(place.store)}

let started = () => {}
const firstStart = new Promise((resolve) => { started = resolve })

export function startApp(options) {
  const starting = startDurably({ store, ...options, ...place })
  starting.then(started, started)
  return starting
}

let client = null
export function appClient() {
  client ??= startApp()
  return client
}

const offline = ${offlineOf(place)}
export function appOffline() {
  return offline
}
`
}

function offlineOf({ offlineBase, isolatesOffline }: AppPlace): string {
  if (offlineBase === null) return 'null'
  const isRelative = offlineBase === '' || offlineBase === './'
  const url = isRelative
    ? `new URL('./${SERVICE_WORKER}', document.baseURI).href`
    : JSON.stringify(offlineBase + SERVICE_WORKER)
  return `typeof document === 'undefined' ? null : new OfflineApp({ url: ${url}, isolate: ${isolatesOffline}, after: firstStart })`
}
