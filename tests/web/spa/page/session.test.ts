/** What a tab asks outlives its links: what crosses them, and what is asked again. */

import { describe, expect, test, vi } from 'vitest'
import type { DurablyError } from '../../../../web/core/errors'
import type { Subscription } from '../../../../web/core/events'
import type { Operations } from '../../../../web/core/transport'
import type { Request } from '../../../../web/spa/bridge/protocol'
import type { Link } from '../../../../web/spa/page/session'
import { Session } from '../../../../web/spa/page/session'
import { Store } from '../../support/tabs'

/** A link that copies what is posted, as every real one does. */
function linkTo(posted: Request[]): Link {
  return { post: (request) => void posted.push(structuredClone(request)) }
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** As an app's store of state gives it: what it holds is plain, it is not. */
function reactive<Value extends object>(value: Value): Value {
  return new Proxy(value, {
    get: (target, key) => {
      const held: unknown = Reflect.get(target, key)
      return typeof held === 'object' && held !== null ? reactive(held) : held
    },
  })
}

const bad = (value: object) => value as Operations['getRuns']['params'] & Subscription

describe('what is asked', () => {
  test('may be held in proxies', () => {
    const session = new Session()
    const posted: Request[] = []
    session.attach(linkTo(posted))

    void session.call('getRuns', reactive({ labels: { team: 'a' }, status: ['pending'] as const }))
    session.subscribe(reactive({ labels: { team: 'a' } }), () => {})

    expect(posted).toMatchObject([
      { op: 'getRuns', params: { labels: { team: 'a' }, status: ['pending'] } },
      { kind: 'subscribe', subscription: { labels: { team: 'a' } } },
    ])
  })

  test('is what it was when it was asked, also on a later link', () => {
    const session = new Session()
    const labels = { team: 'a' }
    session.subscribe({ labels }, () => {})
    labels.team = 'b'
    const posted: Request[] = []

    session.attach(linkTo(posted))

    expect(posted).toMatchObject([{ subscription: { labels: { team: 'a' } } }])
  })

  test.each([
    ['a function', () => ({ labels: { team: () => 'a' } })],
    ['a symbol', () => ({ labels: { team: Symbol('a') } })],
    ['a big number', () => ({ limit: 1n })],
    [
      'itself',
      () => {
        const params = { labels: {} }
        params.labels = params
        return params
      },
    ],
  ])('that contains %s is refused with not_serializable, and nothing else is', async (_, make) => {
    const session = new Session()
    const ends: (DurablyError | null)[] = []
    const call = thrownBy(session.call('getRuns', bad(make())))
    session.subscribe(
      bad(make()),
      () => {},
      (error) => ends.push(error),
    )
    expect(ends).toEqual([])
    void session.call('jobs', {})
    const posted: Request[] = []
    session.attach(linkTo(posted))
    session.detach()
    const again: Request[] = []
    session.attach(linkTo(again))

    expect(await call).toMatchObject({ code: 'not_serializable' })
    expect(ends).toMatchObject([{ code: 'not_serializable' }])
    expect(posted).toMatchObject([{ op: 'jobs' }])
    expect(again).toMatchObject([{ op: 'jobs', repeated: true }])
  })

  test('and cannot be posted, as what is no file, is refused alone', async () => {
    const session = new Session()
    const put = thrownBy(session.putBlob((() => {}) as object as Blob))
    void session.call('jobs', {})
    const posted: Request[] = []

    session.attach(linkTo(posted))

    expect(await put).toMatchObject({ code: 'not_serializable' })
    expect(posted).toMatchObject([{ op: 'jobs' }])
  })

  test('and is refused keeps no tab from its engine', async () => {
    const store = new Store()
    store.plan = 'later'
    const tab = store.open()
    const refused = thrownBy(tab.transport.call('getRuns', bad({ labels: { on: () => {} } })))
    const answered = tab.transport.call('getRuns', {})
    await vi.waitFor(() => expect(tab.workers).toHaveLength(1))

    tab.workers[0]?.makeReady()

    await tab.transport.ready
    expect(await refused).toMatchObject({ code: 'not_serializable' })
    expect(await answered).toEqual([])
    await store.close()
  })

  test('a file travels as it is', async () => {
    const session = new Session()
    const posted: Request[] = []
    session.attach(linkTo(posted))

    void session.putBlob(new Blob(['a,b\n']), 'rows.csv')
    void session.archive.importStore(new Blob(['SQLite']))

    const [put, files] = posted
    expect(put?.kind === 'put-blob' && (await put.file.text())).toBe('a,b\n')
    const work = files?.kind === 'files' && files.work.act === 'import' ? files.work : null
    expect(await work?.file.text()).toBe('SQLite')
  })
})

describe('what takes the place of the whole store', () => {
  const ways = [
    ['reset', ({ archive }: Session) => archive.resetStore()],
    ['import', ({ archive }: Session) => archive.importStore(new Blob(['SQLite']))],
  ] as const

  test.each(ways)('%s is asked once, however late the next link comes', async (act, ask) => {
    const session = new Session()
    const posted: Request[] = []
    session.attach(linkTo(posted))
    const answer = thrownBy(ask(session))
    expect(posted).toHaveLength(1)

    session.detach()
    session.attach(linkTo(posted))

    expect(posted).toHaveLength(1)
    expect(await answer).toMatchObject({
      code: 'worker_crashed',
      message: expect.stringMatching(`${act}.* not known whether it was done`),
    })
  })

  test.each(ways)('%s that no engine was asked for waits for the first', (_, ask) => {
    const session = new Session()
    void ask(session)
    const posted: Request[] = []

    session.attach(linkTo(posted))

    expect(posted).toMatchObject([{ kind: 'files' }])
  })

  test('what only reads is asked again', () => {
    const session = new Session()
    const posted: Request[] = []
    session.attach(linkTo(posted))
    void session.archive.exportStore()
    void session.readBlob('abc')

    session.detach()
    session.attach(linkTo(posted))

    expect(posted).toHaveLength(4)
  })

  test('law 8: a follower that comes back does not take away what was acknowledged since', async () => {
    const store = new Store()
    const { owner, follower } = await store.openTwo()
    const [worker] = owner.workers
    if (worker) worker.isBusy = true
    const reset = thrownBy(follower.transport.archive.resetStore())
    await vi.waitFor(() => expect(worker?.asked).toHaveLength(1))
    follower.happen('freeze')
    if (worker) worker.isBusy = false
    await owner.transport.call('trigger', { jobName: 'import-csv', input: {} })

    follower.happen('resume')

    expect(await reset).toMatchObject({ code: 'worker_crashed' })
    expect(worker?.asked.filter(({ kind }) => kind === 'files')).toHaveLength(1)
    await store.close()
  })
})

describe('isWaiting', () => {
  test('until each call has its answer, and each subscription its first message of this link', () => {
    const session = new Session()
    session.attach(linkTo([]))
    expect(session.isWaiting).toBe(false)

    void session.call('jobs', {})
    session.subscribe({}, () => {})
    session.receive({ kind: 'answer', id: 1, ok: true, result: [] })
    expect(session.isWaiting).toBe(true)
    session.receive({
      kind: 'events',
      id: 2,
      events: [{ type: 'snapshot', sequence: 0, runs: [] }],
    })
    expect(session.isWaiting).toBe(false)

    session.attach(linkTo([]))
    expect(session.isWaiting).toBe(true)
  })
})
