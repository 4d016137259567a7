/** Cancel stops code that never ends by itself, and nothing beside it. */

import type { Page } from '@playwright/test'
import { expect, test } from './support/browser'
import { openLab } from './support/lab'
import { expectRole, openTabs } from './support/tabs'

type Way = 'loop' | 'call' | 'stubborn'

/** Start a run that hangs the engine; resolves when the worker gives no turn any more. */
async function hang(lab: Page, how: Way): Promise<string> {
  return lab.evaluate(async (way) => {
    const { runId } = await window.lab.trigger('hang', { how: way })
    // A busy machine may take a while to begin the step; until then the engine answers.
    const answers = () =>
      Promise.race([
        window.lab.getRun(runId).then(() => true),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1_000)),
      ])
    while (await answers()) await new Promise((resolve) => setTimeout(resolve, 50))
    return runId
  }, how)
}

/** Cancel a run; return how long that took, in milliseconds, and what it left. */
async function cancel(lab: Page, runId: string) {
  return lab.evaluate(async (id) => {
    const began = performance.now()
    await window.lab.cancel(id)
    const took = performance.now() - began
    // The run is cancelled at once; its code may still be cleaning up.
    while ((await window.lab.health()).activeRuns.includes(id)) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const [run, steps, logs] = await Promise.all([
      window.lab.getRun(id),
      window.lab.getSteps(id),
      window.lab.getLogs(id),
    ])
    return {
      took,
      status: run?.status,
      steps: steps.map(({ name, status }) => [name, status]),
      logs: logs.map(({ message }) => message),
    }
  }, runId)
}

test('stops a loop in a step: its cleanup runs, the other run goes on', async ({ profile }) => {
  const lab = await openLab(profile)
  const other = await lab.evaluate(
    async () => (await window.lab.trigger('steps', { count: 5_000, journal: false })).runId,
  )
  const runId = await hang(lab, 'loop')

  const left = await cancel(lab, runId)

  console.log(`  stopped after ${left.took.toFixed(0)} ms`)
  expect(left).toMatchObject({ status: 'cancelled', logs: ['cleaned up'] })
  expect(left.steps).toEqual([['hang', 'cancelled']])
  const run = await lab.evaluate((id) => window.lab.waitForRun(id), other)
  expect(run.status).toBe('completed')
  expect((await lab.evaluate((id) => window.lab.getSteps(id), other)).length).toBe(0)
})

test('a step that only takes its time is not stopped by the cancel of another run', async ({
  profile,
}) => {
  const lab = await openLab(profile)

  const { waiting, output } = await lab.evaluate(async () => {
    const computing = await window.lab.trigger('compute', { seconds: 4 })
    const waiting = await window.lab.trigger('hang', {})
    await new Promise((resolve) => setTimeout(resolve, 200))
    await window.lab.cancel(waiting.runId)
    const { output } = await window.lab.waitForRun(computing.runId)
    return { waiting: (await window.lab.getRun(waiting.runId))?.status, output }
  })

  expect(waiting).toBe('cancelled')
  expect(output).toBeGreaterThan(0)
})

for (const how of ['call', 'stubborn'] as const) {
  test(`law 10: a ${how} that heeds no interrupt ends with its worker, and is cancelled`, async ({
    profile,
  }) => {
    const lab = await openLab(profile)
    const runId = await hang(lab, how)

    const left = await cancel(lab, runId)

    console.log(`  stopped after ${left.took.toFixed(0)} ms`)
    expect(left.status).toBe('cancelled')
    const { output } = await lab.evaluate(() => window.lab.triggerAndWait('steps', { count: 3 }))
    expect(output).toHaveLength(3)
  })
}

test('a tab that follows stops it as well', async ({ profile }) => {
  const [owner, follower] = await openTabs(profile, 2)
  if (!owner || !follower) throw new Error('there are no two tabs')
  await expectRole(follower, 'follower')
  const runId = await hang(follower, 'loop')

  const left = await cancel(follower, runId)

  console.log(`  stopped after ${left.took.toFixed(0)} ms`)
  expect(left).toMatchObject({ status: 'cancelled', logs: ['cleaned up'] })
  await expectRole(owner, 'owner')
})

test('without isolation the worker is ended and booted again', async ({ profile }) => {
  const context = await profile.open()
  await context.route(/\/lab\/\?/, async (route) => {
    const response = await route.fetch()
    const { 'cross-origin-opener-policy': _, ...headers } = response.headers()
    await route.fulfill({ response, headers })
  })
  const lab = context.pages()[0] ?? (await context.newPage())
  await lab.goto(profile.url('/lab/?store=durably-lab'))
  await lab.waitForFunction(() => 'lab' in window, undefined, { timeout: 60_000 })
  expect(await lab.evaluate(() => crossOriginIsolated)).toBe(false)
  const runId = await hang(lab, 'loop')

  const left = await cancel(lab, runId)

  console.log(`  stopped after ${left.took.toFixed(0)} ms`)
  expect(left.status).toBe('cancelled')
})
