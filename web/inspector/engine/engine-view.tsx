/** How this tab reaches the engine, how the engine is, and how it was booted. */

import { useCallback, useSyncExternalStore } from 'react'
import type { BootProgress, DurablyClient, Role } from '../../core/index'
import type { EngineReady } from '../options'
import { durationText } from '../parts/format'
import { Problem } from '../parts/problem'
import { ExactMoment } from '../parts/times'
import { useAnswer } from '../parts/use-answer'

const ROLES: Readonly<Record<Role, string>> = {
  owner: 'The engine runs in this tab.',
  follower: 'The engine runs in another tab, and answers.',
  'handing-over': 'No engine answers just now. Calls wait for the next one.',
  server: 'The engine runs on a server.',
}

interface EngineViewProps {
  readonly durably: DurablyClient
  readonly stages: readonly BootProgress[]
  readonly ready: EngineReady | undefined
  readonly onOpen: (runId: string) => void
}

export function EngineView({ durably, stages, ready, onOpen }: EngineViewProps) {
  const status = useSyncExternalStore(durably.status.subscribe, durably.status.getSnapshot)
  // The status is told of faults at once; which runs are under way has to be asked for.
  const asked = useAnswer(useCallback(() => durably.health(), [durably]))
  const health = asked.value ?? status.health
  const fault = status.health?.fault ?? health?.fault ?? null
  const problem = status.problem ?? asked.error
  return (
    <section className="view" aria-label="Engine">
      {problem !== null && <Problem title="The engine does not answer" error={problem} />}
      {fault !== null && (
        <div className="problem mild" role="status">
          <p className="problem-title">
            The engine waits out a fault <code>{fault.code}</code>
          </p>
          <p>{fault.message}</p>
          <p className="hint">
            Since <ExactMoment time={fault.since} />
          </p>
        </div>
      )}
      <dl className="figures">
        <div>
          <dt>Connection</dt>
          <dd>{status.role}</dd>
        </div>
        <div>
          <dt>Health</dt>
          <dd>{status.health?.state ?? health?.state ?? 'not known yet'}</dd>
        </div>
        <div>
          <dt>Runs under way</dt>
          <dd>{health?.activeRuns.length ?? '–'}</dd>
        </div>
      </dl>
      <p className="hint">{ROLES[status.role]}</p>
      <div className="block">
        <div className="block-head">
          <h3>Runs under way</h3>
          <button type="button" className="button small" onClick={asked.ask}>
            Ask again
          </button>
        </div>
        {health === null || health.activeRuns.length === 0 ? (
          <p className="hint">None.</p>
        ) : (
          <ul className="plain">
            {health.activeRuns.map((id) => (
              <li key={id}>
                <button type="button" className="link mono" onClick={() => onOpen(id)}>
                  {id}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
      {health !== null && health.parkedJobs.length > 0 && (
        <div className="block">
          <h3>Parked jobs</h3>
          <p className="hint">Runs of these wait: no job of that name is registered here.</p>
          <ul className="plain">
            {health.parkedJobs.map((name) => (
              <li key={name} className="mono">
                {name}
              </li>
            ))}
          </ul>
        </div>
      )}
      <div className="block">
        <h3>Boot</h3>
        <Boot stages={stages} ready={ready} isUnderWay={status.boot !== null} />
      </div>
      {health !== null && (
        <p className="hint">
          Worker <span className="mono">{health.workerId}</span>
        </p>
      )}
    </section>
  )
}

interface BootProps {
  readonly stages: readonly BootProgress[]
  readonly ready: EngineReady | undefined
  readonly isUnderWay: boolean
}

function Boot({ stages, ready, isUnderWay }: BootProps) {
  const rows =
    ready === undefined
      ? stages.map(({ stage, elapsed }) => ({ stage, at: elapsed }))
      : Object.entries(ready.marks).map(([stage, at]) => ({ stage, at: at ?? 0 }))
  return (
    <>
      {ready !== undefined && (
        <p className="hint">
          {ready.bootedFrom === 'snapshot' ? 'From a memory snapshot' : 'From its parts'}. Python{' '}
          {ready.pythonVersion}, SQLite {ready.sqliteVersion}.
        </p>
      )}
      {rows.length === 0 ? (
        <p className="hint">
          It was over before the inspector was opened. Give the inspector what onReady was told, as{' '}
          <code>ready</code>, to see its stages here.
        </p>
      ) : (
        <table className="small-table">
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">{ready === undefined ? 'Began after' : 'Ended after'}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ stage, at }) => (
              <tr key={stage}>
                <th scope="row">{stage}</th>
                <td className="figure">{durationText(at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {isUnderWay && <p className="hint">It is under way.</p>}
    </>
  )
}
