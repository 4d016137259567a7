/** How soon a run goes on: when its page is loaded anew, when another tab takes over, past its saved steps. */

import { setTimeout as sleep } from 'node:timers/promises'
import { scaled } from './numbers.mjs'

const SAVED = 250
/** More than are taken while it is looked. */
const COUNT = 100_000

/** From navigation to the first new step of a run with some hundred saved ones. */
export async function resumeAfterReload(site) {
  const page = await site.open()
  const runId = await start(page, scaled(SAVED))
  await reload(page)
  const navigated = await page.evaluate(() => performance.timeOrigin)
  return (await goneOn(page, runId, navigated)) - navigated
}

/** From the close of the tab that runs it to the first new step in another. */
export async function failover(site) {
  const { other, runId, closed } = await closeOwner(site)
  await other.waitForFunction(() => window.lab.status.getSnapshot().role === 'owner')
  return (await goneOn(other, runId, closed)) - closed
}

/** Saved steps that a resumed run passes in a second. */
export async function replayPerSecond(site) {
  const page = await site.open()
  const runId = await start(page, scaled(2_000))
  const { saved, resumed } = await page.evaluate(async (id) => {
    await window.lab.cancel(id)
    // The run that follows is claimed when the code of this one has stopped.
    await window.lab.triggerAndWait('steps', { count: 1 })
    const steps = await window.lab.getSteps(id)
    const now = Date.now()
    await window.lab.resume(id)
    return { saved: steps.length, resumed: now }
  }, runId)
  return (saved / ((await goneOn(page, runId, resumed)) - resumed)) * 1000
}

/** The peer goes on with a run when its lease is over, and says itself when it begins a step. */
export async function peerResumeAfterReload(site) {
  const page = await site.open()
  await start(page, scaled(SAVED))
  await reload(page)
  return (await peerResumed(page)).began
}

export async function peerReplayPerSecond(site) {
  const page = await site.open()
  const runId = await start(page, scaled(SAVED))
  await reload(page)
  const saved = await page.evaluate(async (id) => (await window.lab.getSteps(id)).length, runId)
  const { leased, began } = await peerResumed(page)
  return (saved / (began - leased)) * 1000
}

export async function peerFailover(site) {
  // Each of its tabs has a worker of its own, and any of them may have taken the run.
  const worksOnIt = (page) => page.evaluate(() => window.lab.resumed.leased > 0)
  const { other, closed } = await closeOwner(site, worksOnIt)
  const { began } = await peerResumed(other)
  return (await other.evaluate(() => performance.timeOrigin)) + began - closed
}

async function peerResumed(page) {
  await page.waitForFunction(() => window.lab.resumed.began > 0)
  return page.evaluate(() => window.lab.resumed)
}

async function reload(page) {
  await page.reload()
  await page.waitForFunction(() => 'lab' in window)
}

/** Open two tabs, start a run in the first one, and close in its middle the one that works on it. */
async function closeOwner(site, isOwner = () => true) {
  const store = `failover-${Date.now()}`
  const tabs = [await site.open(store), await site.open(store)]
  const runId = await start(tabs[0], scaled(SAVED))
  const [owner, other] = (await isOwner(tabs[0])) ? tabs : tabs.toReversed()
  const closed = Date.now()
  await owner.close()
  return { other, runId, closed }
}

/** Start a run; resolve with its id once *count* steps are saved. */
async function start(page, count) {
  const { runId } = await page.evaluate(
    (steps) => window.lab.trigger('steps', { count: steps }),
    COUNT,
  )
  await savedMore(page, runId, count)
  return runId
}

/** Wait until the run has saved *count* more steps than it has now. */
async function savedMore(page, runId, count) {
  const saved = () =>
    page.evaluate(async (id) => (await window.lab.getRun(id)).completedStepCount, runId)
  const wanted = (await saved()) + count
  while ((await saved()) < wanted) await sleep(20)
}

/** When the first step after the interruption at *time* was saved; the page is closed. */
async function goneOn(page, runId, time) {
  await savedMore(page, runId, 2)
  const times = await page.evaluate(
    async (id) => (await window.lab.getSteps(id)).map(({ completedAt }) => Date.parse(completedAt)),
    runId,
  )
  await page.close()
  times.sort((a, b) => a - b)
  // What the interrupted engine saved to the last comes before the longest pause.
  let longest = -1
  let found = null
  for (let index = 1; index < times.length; index++) {
    const pause = times[index] - times[index - 1]
    if (times[index] >= time && pause > longest) {
      longest = pause
      found = times[index]
    }
  }
  if (found === null) throw new Error('the run did not go on')
  return found
}
