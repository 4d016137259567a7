/** The promises of a store, in Firefox. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { breaches, lastTokens } from '../e2e/support/journal'
import { ended, Firefox, ready, saved, startSteps } from './support'

let firefox: Firefox

beforeAll(async () => {
  firefox = await Firefox.open()
})

afterAll(async () => {
  await firefox?.close()
})

function names(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `step-${number}`)
}

test('boots isolated, and completes a run', async () => {
  const lab = await firefox.lab('boot')

  const output = await lab.evaluate(
    async () => (await window.lab.triggerAndWait('steps', { count: 3 })).output,
  )

  expect(await lab.evaluate(() => crossOriginIsolated)).toBe(true)
  expect(output).toEqual(names(3))
  await lab.close()
})

test('law 1: a reload in the middle costs no acknowledged step', async () => {
  const lab = await firefox.lab('reload')
  const runId = await startSteps(lab, 600)
  await saved(lab, runId, 100)

  await lab.reload()
  await ready(lab)

  const { status, output, journal } = await ended(lab, runId)
  expect(status).toBe('completed')
  expect(breaches(journal, names(600), 1)).toEqual([])
  expect(output).toEqual(lastTokens(journal))
  await lab.close()
})

test('boots from the snapshot that an earlier boot left, to other chances', async () => {
  const draw = () => window.lab.triggerAndWait('chance', null).then(({ output }) => output)
  const first = await firefox.lab('snapshot')
  await first.waitForFunction(
    () => window.boots[0]?.bootedFrom === 'snapshot' || window.snapshots.length > 0,
    { timeout: 90_000, polling: 100 },
  )
  const notice = await first.evaluate(() => window.snapshots[0] ?? null)
  expect(notice === null || notice.state === 'made', JSON.stringify(notice)).toBe(true)
  await first.close()

  const drawn: Record<string, string>[] = []
  for (let boot = 0; boot < 2; boot++) {
    const lab = await firefox.lab('snapshot')
    expect(await lab.evaluate(() => window.boots[0]?.bootedFrom)).toBe('snapshot')
    drawn.push((await lab.evaluate(draw)) as Record<string, string>)
    await lab.close()
  }

  const [one = {}, other = {}] = drawn
  expect(Object.keys(one)).not.toEqual([])
  for (const key of Object.keys(one)) expect(one[key], key).not.toBe(other[key])
})

test('laws 1, 3: two tabs share one engine, and the second takes over', async () => {
  const owner = await firefox.lab('tabs')
  const follower = await firefox.lab('tabs')
  const roleOf = () => window.lab.status.getSnapshot().role
  expect(await owner.evaluate(roleOf)).toBe('owner')
  expect(await follower.evaluate(roleOf)).toBe('follower')
  const runId = await startSteps(follower, 600)
  await saved(follower, runId, 100)

  await owner.close()

  const { status, journal } = await ended(follower, runId)
  expect(status).toBe('completed')
  expect(breaches(journal, names(600), 1)).toEqual([])
  expect(await follower.evaluate(roleOf)).toBe('owner')
  await follower.close()
})

test('a cancel stops a step that never ends, and the engine goes on', async () => {
  const lab = await firefox.lab('cancel')
  const { runId } = await lab.evaluate(() => window.lab.trigger('hang', { how: 'loop' }))
  await new Promise((resolve) => setTimeout(resolve, 500))

  await lab.evaluate((id) => window.lab.cancel(id), runId)

  const output = await lab.evaluate(
    async () => (await window.lab.triggerAndWait('steps', { count: 1 })).output,
  )
  expect(output).toEqual(names(1))
  expect((await lab.evaluate((id) => window.lab.getRun(id), runId))?.status).toBe('cancelled')
  await lab.close()
})
