/** Runs, events and files to test with. */

import type { EventType, RunEvent, RunSnapshot } from '../../../web/core/events'
import type { ClientRun, LogEntry } from '../../../web/core/types'

/** A pending run of `import-csv`. */
export function runOf(changes: Partial<ClientRun> = {}): ClientRun {
  return {
    id: 'A',
    jobName: 'import-csv',
    input: {},
    status: 'pending',
    currentStepIndex: 0,
    completedStepCount: 0,
    progress: null,
    output: null,
    error: null,
    errorType: null,
    errorTrace: null,
    labels: {},
    startedAt: null,
    completedAt: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    availableAt: null,
    waitingUntil: null,
    parentId: null,
    isTerminal: false,
    isActive: true,
    isWaiting: false,
    isParked: false,
    ...changes,
  }
}

export function snapshotOf(
  changes: Partial<ClientRun> = {},
  logs: readonly LogEntry[] = [],
): RunSnapshot {
  return { type: 'snapshot', run: runOf(changes), logs }
}

export function logOf(id: string, message = `line ${id}`): LogEntry {
  const createdAt = '2026-01-01T00:00:00.000Z'
  return { id, runId: 'A', stepName: null, level: 'info', message, data: null, createdAt }
}

type EventOf<Type extends EventType> = Extract<RunEvent, { readonly type: Type }>

const ofRun = { runId: 'A', jobName: 'import-csv', labels: {} }
const ofStep = { ...ofRun, stepName: 'read', stepIndex: 0 }
const wait = { waitId: 'W', waitName: 'approval' }
const lease = { leaseOwner: 'w1', leaseExpiresAt: '2026-01-01T00:01:00.000Z' }

/** What each type of event says unless a test says otherwise. No type may be missing. */
const samples: { [Type in EventType]: Omit<EventOf<Type>, 'type' | 'sequence' | 'timestamp'> } = {
  'run:trigger': { ...ofRun, input: {} },
  'run:coalesced': { ...ofRun, skippedInput: {}, skippedLabels: {} },
  'run:leased': { ...ofRun, ...lease, input: {} },
  'run:lease-renewed': { ...ofRun, ...lease },
  'run:progress': { ...ofRun, progress: { current: 1, total: 2 } },
  'run:complete': { ...ofRun, output: { rows: 2 }, duration: 5 },
  'run:fail': { ...ofRun, error: 'bad row', errorType: 'ValueError', failedStepName: 'read' },
  'run:cancel': ofRun,
  'run:delete': ofRun,
  'run:release': { ...ofRun, reason: 'backoff', availableAt: '2026-01-01T00:05:00.000Z' },
  'run:waiting': { ...ofRun, ...wait, waitingUntil: '2026-01-02T00:00:00.000Z' },
  'wait:resolve': { ...ofRun, ...wait },
  'run:resume': ofRun,
  'step:start': ofStep,
  'step:complete': { ...ofStep, output: null, duration: 5 },
  'step:fail': { ...ofStep, error: 'bad row' },
  'step:cancel': ofStep,
  'step:retry': { ...ofStep, attempt: 1, error: 'bad row', delay: 1000 },
  'log:write': { ...ofRun, id: 'L', stepName: null, level: 'info', message: 'line L', data: null },
  'worker:error': { error: 'disk I/O error', code: 'storage_io', context: 'renew', runId: 'A' },
}

/** Every type of event, each once. */
export const eventTypes = Object.keys(samples) as readonly EventType[]

/** An event of run A. */
export function eventOf<Type extends EventType>(
  type: Type,
  sequence: number,
  changes: Partial<EventOf<Type>> = {},
): RunEvent {
  const timestamp = '2026-01-01T00:00:01.000Z'
  return { ...samples[type], type, sequence, timestamp, ...changes } as RunEvent
}
