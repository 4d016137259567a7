import { DurablyProvider, useJob, useRuns } from 'durably-py/react'
import { monthlyReport } from './jobs/reports.py'

export function App() {
  return (
    <main>
      <h1>Reports</h1>
      <DurablyProvider
        fallback={(boot) => (
          <p>
            Starting Python ({boot.stage})… <progress value={boot.part} />
          </p>
        )}
      >
        <Reports />
        <Past />
      </DurablyProvider>
    </main>
  )
}

function Reports() {
  const { trigger, status, progress, output, error, isActive } = useJob(monthlyReport)
  return (
    <section>
      <button type="button" disabled={isActive} onClick={() => trigger({ month: '2026-11' })}>
        Write the report
      </button>
      <p role="status">
        {status ?? 'Nothing was asked for yet'}{' '}
        {progress && `${progress.current}/${progress.total}`}
      </p>
      {error && <p role="alert">{error}</p>}
      <ol>
        {output?.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ol>
    </section>
  )
}

function Past() {
  const { runs } = useRuns(monthlyReport, { pageSize: 5 })
  return (
    <ul aria-label="Runs">
      {runs.map((run) => (
        <li key={run.id}>
          {run.input.month}: {run.status}
        </li>
      ))}
    </ul>
  )
}
