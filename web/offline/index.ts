/** An app that works without a network, as its page sees it. */

export { OfflineApp, type OfflineOptions, type OfflineState } from './offline-app'
