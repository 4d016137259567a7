/** What passes between a page and the service worker of an offline app, and what the build tells that. */

/** One file of a version: relative to the service worker. */
export interface KeptFile {
  readonly url: string
  /** Null where the name itself changes with the content. */
  readonly revision: string | null
  /** As of Subresource Integrity: anything else is not kept. */
  readonly integrity: string
}

export interface ServiceWorkerConfig {
  readonly files: readonly KeptFile[]
  /** The page that answers every address of the app; null where each page is a file of its own. */
  readonly fallback: string | null
  /** Headers that the host does not send. */
  readonly isolation: Readonly<Record<string, string>> | null
}

/** How many files of the version that is being fetched are there. */
export interface FromServiceWorker {
  readonly kind: 'durably-offline'
  readonly done: number
  readonly total: number
}

/** Take the place of the version before. */
export interface ToServiceWorker {
  readonly kind: 'durably-apply'
}
