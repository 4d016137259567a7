/**
 * The service worker of an offline app: keeps one whole version of it, and answers from that.
 *
 * A version is installed only once every file of it is there, each with the hash that the build gave it; until the
 * page asks for it, the one before goes on.
 */

import { PrecacheController, PrecacheRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'
import type { FromServiceWorker, ServiceWorkerConfig, ToServiceWorker } from '../offline/protocol'

declare const self: ServiceWorkerGlobalScope & { readonly DURABLY: ServiceWorkerConfig }

const { files, fallback, isolation } = self.DURABLY

/** Headers of a page that is isolated, where the host sends none. */
function isolated(response: Response): Response {
  if (isolation === null || response.type === 'opaque' || response.status === 0) return response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value)
  const { status, statusText } = response
  return new Response(response.body, { status, statusText, headers })
}

let done = 0

async function tell(message: FromServiceWorker): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  for (const window of windows) window.postMessage(message)
}

const controller = new PrecacheController({
  fallbackToNetwork: true,
  plugins: [
    {
      async handlerDidComplete({ event }) {
        if (event.type !== 'install') return
        done += 1
        await tell({ kind: 'durably-offline', done, total: files.length })
      },
      handlerWillRespond: async ({ response }) => isolated(response),
    },
  ],
})

controller.addToCacheList([...files])
registerRoute(new PrecacheRoute(controller, { cleanURLs: true, directoryIndex: 'index.html' }))
if (fallback !== null) {
  registerRoute(new NavigationRoute(controller.createHandlerBoundToURL(fallback)))
}

self.addEventListener('install', (event) => {
  done = 0
  event.waitUntil(controller.install(event))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(controller.activate(event).then(() => self.clients.claim()))
})

self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const message: ToServiceWorker | undefined = event.data
  if (message?.kind === 'durably-apply') event.waitUntil(self.skipWaiting())
})
