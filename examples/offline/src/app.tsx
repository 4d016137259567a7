import { DurablyProvider, useJob, useUpdate } from 'durably-py/react'
import { monthlyReport } from './jobs/reports.py'

export function App() {
  return (
    <main>
      <h1>Reports</h1>
      <Kept />
      <DurablyProvider
        fallback={(boot) => (
          <p>
            Starting Python ({boot.stage})… <progress value={boot.part} />
          </p>
        )}
      >
        <Reports />
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

/** Whether the app is kept for when there is no network, and whether there is a newer one. */
function Kept() {
  const { isKept, part, isUpdateReady, problem, apply } = useUpdate()
  return (
    <footer>
      <p data-testid="offline">{isKept ? 'Works offline' : 'Not kept yet'}</p>
      {part !== null && <progress aria-label="Being kept" value={part} />}
      {problem && <p data-testid="offline-problem">{problem}</p>}
      {isUpdateReady && (
        <button type="button" data-testid="update" onClick={apply}>
          Take the new version
        </button>
      )}
    </footer>
  )
}
