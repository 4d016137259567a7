/** The lab: the client alone, for the benchmark, the browser tests and a curious console. */

import { startApp } from 'durably-py/app'

const state = document.getElementById('state')
const store = new URLSearchParams(location.search).get('store') ?? 'durably-lab'

try {
  window.boots = []
  window.snapshots = []
  window.lab = await startApp({
    store,
    onReady: (info) => window.boots.push(info),
    onSnapshot: (notice) => window.snapshots.push(notice),
  })
  if (state !== null) state.textContent = `Ready. The store is ${store}.`
} catch (error) {
  if (state !== null) state.textContent = String(error)
  throw error
}
