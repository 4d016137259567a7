/** An owner that falls asleep is noticed while an answer is owed, and nothing is asked when none is. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  Channel,
  engineChannel,
  followerChannel,
  pagesChannel,
} from '../../../../web/spa/bridge/channels'
import type { BetweenPages, FromFollower, Reply } from '../../../../web/spa/bridge/protocol'
import { electOwner } from '../../../../web/spa/page/ownership'
import { Silence } from '../../../../web/spa/page/silence'
import { settle } from '../../support/settle'
import { Store } from '../../support/tabs'
import { until } from '../../support/until'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => vi.useRealTimers())

describe('silence', () => {
  function watch() {
    const told: string[] = []
    const state = { isWaiting: true }
    const silence = new Silence({
      ask: () => told.push('ask'),
      silent: () => told.push('silent'),
      over: () => told.push('over'),
      isWaiting: () => state.isWaiting,
    })
    return { silence, told, state }
  }

  test('is noticed after one sign of life, while something else is not answered', () => {
    const { silence, told } = watch()
    silence.expect()
    vi.advanceTimersByTime(1_000)

    silence.heard()
    vi.advanceTimersByTime(5_000)

    expect(told).toEqual(['ask', 'silent'])
  })

  test('that is over is noticed when it comes again', () => {
    const { silence, told } = watch()
    silence.expect()
    vi.advanceTimersByTime(5_000)

    silence.heard()
    vi.advanceTimersByTime(5_000)

    expect(told).toEqual(['ask', 'silent', 'over', 'ask', 'silent'])
  })

  test('is no heartbeat: with the last answer nothing more is asked', () => {
    const { silence, told, state } = watch()
    silence.expect()
    state.isWaiting = false

    silence.heard()
    vi.advanceTimersByTime(60_000)

    expect(told).toEqual([])
  })
})

describe('a follower', () => {
  /** A tab that owns the store: its page answers while it is awake, its engine what it is told to. */
  async function ownerOf(store: Store) {
    await electOwner(store.name, new AbortController().signal)
    const info = { workerId: 'w', pythonVersion: '3.14', sqliteVersion: '3.39', marks: {} }
    const state = { isAwake: true, sought: 0 }
    const asked: FromFollower[] = []
    const page = new Channel<BetweenPages>(pagesChannel(store.name), ({ kind }) => {
      if (kind === 'seek') state.sought += 1
      if (state.isAwake)
        page.post({ kind: 'ready', epoch: 'e', info: { ...info, bootedFrom: 'parts' } })
    })
    const engine = new Channel<FromFollower>(engineChannel(store.name, 'e'), (message) => {
      asked.push(message)
    })
    const answer = ({ from, request }: FromFollower) => {
      const channel = new Channel<Reply>(followerChannel(store.name, from))
      channel.post({ kind: 'answer', id: request.id, ok: true, result: null })
      channel.close()
    }
    const close = () => {
      page.close()
      engine.close()
    }
    return { state, asked, answer, close }
  }

  const isCall = (op: string) => (message: FromFollower) =>
    message.request.kind === 'call' && message.request.op === op

  test('law 10: shows owner_silent although another call was answered after it asked', async () => {
    const store = new Store()
    const owner = await ownerOf(store)
    const { transport } = store.open()
    await transport.ready
    transport.call('query', { name: 'slow', input: null }).catch(() => {})
    const quick = transport.call('jobs', {})
    await until(() => owner.asked.length === 2)

    for (const message of owner.asked.filter(isCall('jobs'))) owner.answer(message)
    await quick
    owner.state.isAwake = false
    await vi.advanceTimersByTimeAsync(5_000)

    expect(transport.connection.getSnapshot().problem).toMatchObject({ code: 'owner_silent' })
    owner.close()
    await store.close()
  })

  test('that has every answer asks nothing of the owner', async () => {
    const store = new Store()
    const owner = await ownerOf(store)
    const { transport } = store.open()
    await transport.ready
    const call = transport.call('jobs', {})
    await until(() => owner.asked.length === 1)
    for (const message of owner.asked) owner.answer(message)
    await call
    const { sought } = owner.state

    await vi.advanceTimersByTimeAsync(60_000)
    await settle()

    expect(owner.state.sought).toBe(sought)
    owner.close()
    await store.close()
  })
})
