/** Code that heeds nothing: its worker is ended, and the next one cancels its run before any other. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { pagesChannel } from '../../../../web/spa/bridge/channels'
import { InterruptReceiver } from '../../../../web/spa/bridge/interrupts'
import type { BetweenPages } from '../../../../web/spa/bridge/protocol'
import { settle } from '../../support/settle'
import { rolesOf, Store } from '../../support/tabs'

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

describe('what the owner page does for a cancel of a follower', () => {
  /** A page that speaks on the channel of the pages; resolves with the epoch of the engine. */
  async function joinPages() {
    const page = new BroadcastChannel(pagesChannel(store.name))
    const epoch = new Promise<string>((resolve) => {
      page.onmessage = ({ data }: MessageEvent<BetweenPages>) => {
        if (data.kind === 'ready') resolve(data.epoch)
      }
    })
    page.postMessage({ kind: 'seek' })
    return { page, epoch: await epoch }
  }

  test('it interrupts the code of the run, until the cancel is answered', async () => {
    vi.stubGlobal('crossOriginIsolated', true)
    const { owner, follower } = await store.openTwo()
    const [worker] = owner.workers
    const [boot] = worker?.received ?? []
    const memory = boot?.kind === 'boot' ? boot.config.interrupts : undefined
    if (!worker || !memory) throw new Error('the page shares no memory')
    const receiver = new InterruptReceiver(memory)
    await owner.transport.call('trigger', { jobName: 'import-csv', input: {}, runId: RUN })
    worker.isBusy = true

    const cancelled = follower.transport.call('cancel', { runId: RUN }).catch(() => {})
    await vi.waitFor(() => expect([receiver.signal[0], receiver.requested()]).toEqual([2, RUN]))

    await follower.transport.close()
    await cancelled
    await settle()
    receiver.signal[0] = 0
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(receiver.signal[0]).toBe(0)
  })

  test('law 8: it cancels nothing itself, so a run that was resumed since goes on', async () => {
    const { owner, follower } = await store.openTwo()
    // The owner's page has a long task: what is said to pages is heard when that is over.
    const { postMessage } = BroadcastChannel.prototype
    const late: (() => void)[] = []
    vi.spyOn(BroadcastChannel.prototype, 'postMessage').mockImplementation(function (
      this: BroadcastChannel,
      message: unknown,
    ) {
      const post = () => postMessage.call(this, message)
      if (this.name === pagesChannel(store.name)) late.push(post)
      else post()
    })
    const { transport } = follower
    await transport.call('trigger', { jobName: 'import-csv', input: {}, runId: RUN })
    await transport.call('cancel', { runId: RUN })
    await transport.call('resume', { runId: RUN })
    await new Promise((resolve) => setTimeout(resolve, 50))

    vi.restoreAllMocks()
    for (const post of late) post()
    await owner.transport.call('getRuns', {})
    await new Promise((resolve) => setTimeout(resolve, 50))

    expect(store.engine.run(RUN).status).toBe('pending')
    expect(store.engine.calls.filter(({ op }) => op === 'cancel')).toHaveLength(1)
  })

  test.each([
    ['said long ago', 1_000, (epoch: string) => epoch, 1],
    ['meant for another engine', 0, () => 'another', 1],
    ['said now, of this engine', 0, (epoch: string) => epoch, 2],
  ])('a word %s', async (_, age, epochOf, workers) => {
    const owner = store.open()
    await owner.transport.ready
    const { page, epoch } = await joinPages()

    page.postMessage({
      kind: 'cancel',
      epoch: epochOf(epoch),
      at: Date.now() - age,
      runIds: [RUN],
      since: Date.now() - 5_000,
    })

    await new Promise((resolve) => setTimeout(resolve, 50))
    page.close()
    expect(owner.workers).toHaveLength(workers)
  })
})
