/** Code that heeds nothing: its worker is ended, and the next one cancels its run before any other. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rolesOf, Store } from './tabs'

const RUN = '01JD000000000000000000000A'

let store: Store

beforeEach(() => {
  store = new Store()
})

afterEach(() => store.close())

test.each(['owner', 'follower'] as const)(
  'cancelled by the %s, it ends with its worker, which the owner makes anew',
  async (who) => {
    const tabs = await store.openTwo()
    const { owner, follower } = tabs
    await owner.transport.call('trigger', { jobName: 'import-csv', input: {}, runId: RUN })
    store.engine.lease(RUN)
    const [hung] = owner.workers
    if (!hung) throw new Error('the owner has no worker')
    hung.isBusy = true

    const cancelled = tabs[who].transport.call('cancel', { runId: RUN })

    await vi.waitFor(() => expect(owner.workers).toHaveLength(2), { timeout: 5_000 })
    expect(hung.isTerminated).toBe(true)
    await cancelled
    expect(owner.workers[1]?.received[0]).toMatchObject({
      kind: 'boot',
      config: { cancel: [RUN] },
    })
    expect(rolesOf(owner, follower)).toEqual(['owner', 'follower'])
    const run = await follower.transport.call('getRun', { runId: RUN })
    expect(run?.status).toBe('cancelled')
  },
  10_000,
)

test('a call that only takes its time ends no worker', async () => {
  const { owner } = await store.openTwo()
  const [busy] = owner.workers
  if (!busy) throw new Error('the owner has no worker')
  busy.isBusy = true

  owner.transport.call('getRuns', {}).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 2_500))

  expect(owner.workers).toEqual([busy])
})
