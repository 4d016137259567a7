/** The lab: the client alone, for the benchmark, the browser tests and a curious console. */

import type { DurablyClient } from '../core/index'
import type { ReadyInfo, SnapshotNotice } from '../spa/page/index'
import { startEngine } from './engine'

declare global {
  interface Window {
    lab: DurablyClient
    /** What each engine said when it was ready, and what became of memory snapshots. */
    boots: ReadyInfo[]
    snapshots: SnapshotNotice[]
  }
}

const state = document.getElementById('state')
const store = new URLSearchParams(location.search).get('store') ?? 'durably-lab'

try {
  window.boots = []
  window.snapshots = []
  window.lab = await startEngine(store, undefined, {
    onReady: (info) => window.boots.push(info),
    onSnapshot: (notice) => window.snapshots.push(notice),
  })
  if (state !== null) state.textContent = `Ready. The store is ${store}.`
} catch (error) {
  if (state !== null) state.textContent = String(error)
  throw error
}
