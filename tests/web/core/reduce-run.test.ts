import { describe, expect, expectTypeOf, test } from 'vitest'
import type { EventType } from '../../../web/core/events'
import { initialRun, MAX_LOGS, type RunState, reduceRun, SHOWN } from '../../../web/core/reduce-run'
import type { RunStatus } from '../../../web/core/types'
import { eventOf, eventTypes, logOf, snapshotOf } from '../support/runs'

const before = [
  'unknown',
  'pending',
  'leased',
  'waiting',
  'completed',
  'failed',
  'cancelled',
] as const

type After = RunStatus | 'unknown'

const unchanged: readonly After[] = before

/** The status after each event, one column for each status before it. A missing row does not compile. */
const table: Record<EventType, readonly After[]> = {
  'run:trigger': ['pending', 'pending', 'leased', 'waiting', 'completed', 'failed', 'cancelled'],
  'run:coalesced': ['pending', 'pending', 'leased', 'waiting', 'completed', 'failed', 'cancelled'],
  'run:leased': ['leased', 'leased', 'leased', 'leased', 'completed', 'failed', 'cancelled'],
  'run:lease-renewed': unchanged,
  'run:progress': unchanged,
  'run:complete': [
    'completed',
    'completed',
    'completed',
    'completed',
    'completed',
    'failed',
    'cancelled',
  ],
  'run:fail': ['failed', 'failed', 'failed', 'failed', 'completed', 'failed', 'cancelled'],
  'run:cancel': [
    'cancelled',
    'cancelled',
    'cancelled',
    'cancelled',
    'completed',
    'failed',
    'cancelled',
  ],
  'run:delete': ['unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', 'unknown'],
  'run:release': ['pending', 'pending', 'pending', 'pending', 'completed', 'failed', 'cancelled'],
  'run:waiting': ['waiting', 'waiting', 'waiting', 'waiting', 'completed', 'failed', 'cancelled'],
  'wait:resolve': unchanged,
  'run:resume': ['pending', 'pending', 'pending', 'pending', 'pending', 'pending', 'pending'],
  'step:start': unchanged,
  'step:complete': unchanged,
  'step:fail': unchanged,
  'step:cancel': unchanged,
  'step:retry': unchanged,
  'log:write': unchanged,
  'worker:error': unchanged,
}

function stateIn(status: After): RunState {
  return status === 'unknown' ? initialRun('A') : reduceRun(initialRun('A'), snapshotOf({ status }))
}

describe('status', () => {
  const cells = eventTypes.flatMap((type) =>
    before.map((status, column) => ({ type, status, after: table[type][column] })),
  )

  test.each(cells)('$type turns $status into $after', ({ type, status, after }) => {
    const state = reduceRun(stateIn(status), eventOf(type, 1))

    expect(state.status ?? 'unknown').toBe(after)
  })

  test.each(before)('the flags of %s agree with it', (status) => {
    const state = stateIn(status)

    expect({
      pending: state.isPending,
      leased: state.isLeased,
      waiting: state.isWaiting,
      completed: state.isCompleted,
      failed: state.isFailed,
      cancelled: state.isCancelled,
    }).toEqual({
      pending: status === 'pending',
      leased: status === 'leased',
      waiting: status === 'waiting',
      completed: status === 'completed',
      failed: status === 'failed',
      cancelled: status === 'cancelled',
    })
    expect(state.isActive).toBe(['pending', 'leased', 'waiting'].includes(status))
    expect(state.isTerminal).toBe(['completed', 'failed', 'cancelled'].includes(status))
  })
})

describe('what a message says', () => {
  test('a snapshot carries everything that is known', () => {
    const progress = { current: 3 }
    const snapshot = snapshotOf({ status: 'leased', progress, isParked: false }, [logOf('1')])

    const state = reduceRun(initialRun('A'), snapshot)

    expect(state).toMatchObject({ status: 'leased', progress, logs: [logOf('1')], sequence: -1 })
  })

  test('an output arrives with run:complete, and its status with it', () => {
    const state = reduceRun(stateIn('leased'), eventOf('run:complete', 1, { output: [1, 2] }))

    expect(state).toMatchObject({ isCompleted: true, output: [1, 2], error: null })
  })

  test('a failure keeps its message and type, and the progress made', () => {
    const moving = reduceRun(stateIn('leased'), eventOf('run:progress', 1))
    const state = reduceRun(moving, eventOf('run:fail', 2))

    expect(state).toMatchObject({
      error: 'bad row',
      errorType: 'ValueError',
      progress: { current: 1 },
    })
  })

  test('a resume clears the failure it leads out of, and keeps the log', () => {
    const failed = reduceRun(
      initialRun('A'),
      snapshotOf({ status: 'failed', error: 'x', errorType: 'E' }, [logOf('1')]),
    )
    const state = reduceRun(failed, eventOf('run:resume', 1))

    expect(state).toMatchObject({
      isPending: true,
      error: null,
      errorType: null,
      logs: [logOf('1')],
    })
  })

  test('a released run tells when it is claimed again, until it is', () => {
    const released = reduceRun(stateIn('leased'), eventOf('run:release', 1))
    const leased = reduceRun(released, eventOf('run:leased', 2))

    expect(released.availableAt).toBe('2026-01-01T00:05:00.000Z')
    expect(leased.availableAt).toBeNull()
  })

  test('a parked run is parked no more once it is leased', () => {
    const parked = reduceRun(initialRun('A'), snapshotOf({ isParked: true }))

    expect(parked.isParked).toBe(true)
    expect(reduceRun(parked, eventOf('run:leased', 1)).isParked).toBe(false)
  })

  test('of a deleted run nothing is left, and nothing follows', () => {
    const deleted = reduceRun(stateIn('completed'), eventOf('run:delete', 1))

    expect(deleted).toEqual({ ...initialRun('A'), isDeleted: true, sequence: 1 })
    expect(reduceRun(deleted, eventOf('run:leased', 2))).toBe(deleted)
  })

  test('the events it shows are those that change it', () => {
    const changing = eventTypes.filter((type) =>
      before.some((status) => {
        const state = stateIn(status)
        return reduceRun(state, eventOf(type, 1)) !== state
      }),
    )

    expect(changing.toSorted()).toEqual([...SHOWN].toSorted())
  })

  test('an event that shows nothing new gives the same object back', () => {
    const state = stateIn('leased')
    const silent: EventType[] = [
      'run:lease-renewed',
      'step:start',
      'step:complete',
      'step:retry',
      'worker:error',
    ]

    for (const type of silent) expect(reduceRun(state, eventOf(type, 1))).toBe(state)
  })

  test('what is told of another run changes nothing', () => {
    const state = stateIn('leased')

    expect(reduceRun(state, eventOf('run:complete', 1, { runId: 'B' }))).toBe(state)
    expect(reduceRun(state, snapshotOf({ id: 'B' }))).toBe(state)
  })
})

describe('order', () => {
  test('an event is taken in once', () => {
    const once = reduceRun(stateIn('leased'), eventOf('run:progress', 4))

    expect(reduceRun(once, eventOf('run:progress', 4))).toBe(once)
  })

  test('an event that comes too late is dropped', () => {
    const newer = reduceRun(
      stateIn('leased'),
      eventOf('run:progress', 4, { progress: { current: 9 } }),
    )

    expect(reduceRun(newer, eventOf('run:progress', 3))).toBe(newer)
  })

  test('after a new snapshot the numbers start anew, as those of a new engine do', () => {
    const old = reduceRun(stateIn('leased'), eventOf('run:progress', 90))
    const greeted = reduceRun(old, snapshotOf({ status: 'pending' }))

    expect(reduceRun(greeted, eventOf('run:leased', 1)).isLeased).toBe(true)
  })

  test('an event that the snapshot has in it already is dropped', () => {
    const state = reduceRun(initialRun('A'), { ...snapshotOf({ status: 'leased' }), sequence: 7 })

    expect(reduceRun(state, eventOf('run:release', 7))).toBe(state)
    expect(reduceRun(state, eventOf('run:release', 8)).isPending).toBe(true)
  })

  test('an ended run takes in late log lines and nothing else', () => {
    const state = reduceRun(stateIn('completed'), eventOf('log:write', 1))

    expect(state).toMatchObject({ isCompleted: true, logs: [{ message: 'line L' }] })
    expect(reduceRun(state, eventOf('run:progress', 2))).toBe(state)
  })
})

describe('logs', () => {
  test('a line that the snapshot has is not shown twice', () => {
    const state = reduceRun(initialRun('A'), snapshotOf({}, [logOf('1'), logOf('2')]))

    expect(reduceRun(state, eventOf('log:write', 1, { id: '2' }))).toBe(state)
    expect(reduceRun(state, eventOf('log:write', 1, { id: '3' })).logs).toHaveLength(3)
  })

  test('a line that was heard stays when a new snapshot does not have it', () => {
    const heard = reduceRun(initialRun('A'), eventOf('log:write', 1, { id: '1' }))
    const state = reduceRun(heard, snapshotOf({}, [logOf('2')]))

    expect(state.logs.map(({ id }) => id)).toEqual(['1', '2'])
  })

  test('the newest lines are kept, oldest first', () => {
    const many = Array.from({ length: MAX_LOGS + 5 }, (_, index) => logOf(`${index}`))
    const full = reduceRun(initialRun('A'), snapshotOf({}, many))
    const state = reduceRun(full, eventOf('log:write', 1, { id: 'new' }))

    expect(full.logs).toHaveLength(MAX_LOGS)
    expect(state.logs).toHaveLength(MAX_LOGS)
    expect(state.logs[0]?.id).toBe('6')
    expect(state.logs.at(-1)?.id).toBe('new')
  })

  test('a line keeps its step, level, data and time', () => {
    const event = eventOf('log:write', 1, { stepName: 'read', level: 'warn', data: { row: 7 } })

    expect(reduceRun(initialRun('A'), event).logs).toEqual([
      {
        ...logOf('L'),
        stepName: 'read',
        level: 'warn',
        data: { row: 7 },
        createdAt: event.timestamp,
      },
    ])
  })
})

test('the table has a row for every event and no other', () => {
  expectTypeOf<keyof typeof table>().toEqualTypeOf<EventType>()
  expect(Object.keys(table).sort()).toEqual([...eventTypes].sort())
})
