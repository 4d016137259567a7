import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../web/core/client'
import type { Connection } from '../../../web/core/connection'
import { DurablyError } from '../../../web/core/errors'
import type { Health, Transport } from '../../../web/core/transport'
import { Watched } from '../../../web/core/watched'
import { FakeEngine } from '../support/fake-engine'
import { settle } from '../support/settle'

const A = '01JD000000000000000000000A'
const OWNER: Connection = { role: 'owner', boot: null, problem: null }

let engine: FakeEngine
let transport: Transport
let connection: Watched<Connection>
let client: DurablyClient

beforeEach(() => {
  engine = new FakeEngine()
  connection = new Watched(OWNER)
  transport = Object.assign(engine.connect(), { connection })
  client = new DurablyClient(transport)
})

const asked = () => engine.calls.filter(({ op }) => op === 'health').length

const degraded: Health = {
  state: 'degraded',
  fault: { code: 'storage_full', message: 'full', since: '2026-01-01T00:00:00.000Z' },
  workerId: 'w',
  activeRuns: [],
  parkedJobs: [],
}

describe('the status', () => {
  test('is the connection, before anyone listens too', () => {
    expect(client.status.getSnapshot()).toEqual({ ...OWNER, health: null })

    connection.set({ ...OWNER, role: 'handing-over' })

    expect(client.status.getSnapshot().role).toBe('handing-over')
    expect(asked()).toBe(0)
  })

  test('of a transport that knows no tabs is that of a follower', () => {
    expect(new DurablyClient(engine.connect()).status.getSnapshot().role).toBe('server')
  })

  test('tells each change of the connection once', () => {
    const roles: string[] = []
    const stop = client.status.subscribe(() => roles.push(client.status.getSnapshot().role))
    const problem = new DurablyError('owner_silent', 'show that tab')

    connection.set({ role: 'handing-over', boot: null, problem })
    connection.set({ role: 'handing-over', boot: null, problem })
    stop()
    connection.set(OWNER)

    expect(roles).toEqual(['handing-over'])
  })

  test('is watched until the last one leaves, however often each says so', async () => {
    const leave = client.status.subscribe(() => {})
    const roles: string[] = []
    const leaveLast = client.status.subscribe(() => roles.push(client.status.getSnapshot().role))
    leave()
    leave()
    expect(engine.subscriptions).toHaveLength(1)
    connection.set({ ...OWNER, role: 'handing-over' })
    expect(roles).toEqual(['handing-over'])

    leaveLast()
    expect(engine.subscriptions).toEqual([])
    client.status.subscribe(() => {})
    expect(engine.subscriptions).toHaveLength(1)
  })

  test('asks for health when an engine is there, and again after a change of engine', async () => {
    const stop = client.status.subscribe(() => {})
    await vi.waitFor(() => expect(client.status.getSnapshot().health?.state).toBe('ok'))
    expect(asked()).toBe(1)

    engine.restart()

    await vi.waitFor(() => expect(asked()).toBe(2))
    stop()
    expect(engine.subscriptions).toEqual([])
  })

  test('law 9: a fault is seen when it is told, and until the database works again', async () => {
    const stop = client.status.subscribe(() => {})
    await vi.waitFor(() => expect(client.status.getSnapshot().health?.state).toBe('ok'))
    engine.health = degraded
    engine.workerError('storage_full')
    await vi.waitFor(() => expect(client.status.getSnapshot().health).toEqual(degraded))

    engine.health = null
    await transport.call('trigger', { jobName: 'import-csv', input: {}, runId: A })

    await vi.waitFor(() => expect(client.status.getSnapshot().health?.state).toBe('ok'))
    const before = asked()
    engine.lease(A)
    await settle()
    expect(asked()).toBe(before)
    stop()
  })
})
