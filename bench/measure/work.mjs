/** How much work is done in a second, as the page sees it. Each function is given a site and opens its own tab. */

import { median, scaled } from './numbers.mjs'

/** Steps a second of one run, when the code has been compiled by a shorter one. */
export async function stepsPerSecond(site) {
  return inTab(site, steps, { count: scaled(1_000), first: scaled(100) })
}

async function steps({ count, first }) {
  await window.lab.triggerAndWait('steps', { count: first })
  const began = performance.now()
  await window.lab.triggerAndWait('steps', { count })
  return (count / (performance.now() - began)) * 1000
}

export async function triggerToComplete(site) {
  return median(await inTab(site, oneStepRuns, scaled(50)))
}

async function oneStepRuns(count) {
  const took = []
  for (let run = 0; run < count; run++) {
    const began = performance.now()
    await window.lab.triggerAndWait('steps', { count: 1 })
    took.push(performance.now() - began)
  }
  return took
}

/** Each waits for the answer of the one before, while the engine works on the runs. */
export async function triggersPerSecond(site) {
  return inTab(site, triggers, scaled(200))
}

async function triggers(count) {
  const began = performance.now()
  for (let run = 0; run < count; run++) await window.lab.trigger('steps', { count: 1 })
  return (count / (performance.now() - began)) * 1000
}

export async function batchTriggersPerSecond(site) {
  return inTab(site, batch, { count: scaled(1_000), first: scaled(100) })
}

async function batch({ count, first }) {
  await window.lab.pause?.()
  const items = Array.from({ length: count }, () => ({ input: { count: 1 } }))
  await window.lab.batchTrigger('steps', items.slice(0, first))
  const began = performance.now()
  await window.lab.batchTrigger('steps', items)
  return (count / (performance.now() - began)) * 1000
}

/** From the trigger of all, in one batch, to the end of the last. */
export async function runsPerSecond(site) {
  return inTab(site, oneStepRunsAtOnce, scaled(500))
}

async function oneStepRunsAtOnce(count) {
  await window.lab.triggerAndWait('steps', { count: 1 })
  const items = Array.from({ length: count }, () => ({ input: { count: 1 } }))
  const began = performance.now()
  const runs = await window.lab.batchTrigger('steps', items)
  // They are worked on in order: when the last one has ended, the others have.
  await window.lab.waitForRun(runs.at(-1).runId)
  const took = performance.now() - began
  for (const { runId } of runs) await window.lab.waitForRun(runId)
  return (count / took) * 1000
}

/** A page of 50 anywhere in the list; the runs are made once and stay in their store. */
export async function listPage(site) {
  return median(await inTab(site, pagesOfRuns, scaled(10_000), 'list'))
}

async function pagesOfRuns(count) {
  await window.lab.pause?.()
  const has = async (runs) => (await window.lab.getRuns({ limit: 1, offset: runs - 1 })).length > 0
  while (!(await has(count))) {
    const items = Array.from({ length: 1_000 }, () => ({ input: { count: 0 } }))
    const runs = await window.lab.batchTrigger('steps', items)
    if (!window.lab.pause) await window.lab.waitForRun(runs.at(-1).runId)
  }
  const took = []
  for (let page = 0; page < 50; page++) {
    const offset = Math.floor((page / 50) * count)
    const began = performance.now()
    await window.lab.getRuns({ limit: 50, offset })
    took.push(performance.now() - began)
  }
  return took
}

/** What the disk gives: a page of SQLite's size written and flushed, one after the other. */
export async function flushedWritesPerSecond(site) {
  return inTab(site, flushedWrites, scaled(2_000))
}

async function flushedWrites(count) {
  const source = `onmessage = async ({ data: count }) => {
    const folder = await navigator.storage.getDirectory()
    const file = await folder.getFileHandle('bench-limit', { create: true })
    const handle = await file.createSyncAccessHandle()
    const block = new Uint8Array(4096)
    const began = performance.now()
    for (let write = 0; write < count; write++) {
      handle.write(block, { at: (write % 256) * 4096 })
      handle.flush()
    }
    const took = performance.now() - began
    handle.close()
    postMessage((count / took) * 1000)
  }`
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = ({ message }) => reject(new Error(message))
    worker.postMessage(count)
  })
}

async function inTab(site, work, parameter, store) {
  const page = await site.open(store)
  try {
    return await page.evaluate(work, parameter)
  } finally {
    await page.close()
  }
}
