/** The page around the importer, and what stands in its place while Python starts. */

import type { Boot, Role } from 'durably-py'
import { DurablyProvider, useDurably } from 'durably-py/react'
import { lazy, Suspense, use } from 'react'
import { Desk } from './desk/desk'
import { engine, lastReady, latest } from './engine'
import { Importer } from './importer'
import { KeptNotice } from './kept-notice'
import { Problem, ProblemBoundary } from './problem'
import { useView, ViewLinks } from './views'

export function App() {
  return (
    <div className="page">
      <header className="masthead">
        <h1>Data desk</h1>
        <p>
          Import, clean, join and sum up your own tables, right here in your browser, by jobs in
          Python; nothing is uploaded. Reload the page, close the tab or lose power: each job goes
          on from its last saved step.
        </p>
      </header>
      <main>
        <ProblemBoundary title="Python could not start">
          <DurablyProvider durably={engine} fallback={(boot) => <BootCard {...boot} />}>
            <ProblemBoundary title="This page has a fault">
              <Ready />
            </ProblemBoundary>
          </DurablyProvider>
        </ProblemBoundary>
      </main>
      <footer>
        <p>
          Built on <strong>Durably for Python</strong>. Runs, rows and files are kept in this
          browser’s private storage and are sent nowhere.
        </p>
        <KeptNotice />
      </footer>
    </div>
  )
}

/** Few people look into the engine: it is fetched when one does. */
const Inspector = lazy(async () => ({
  default: (await import('durably-py/inspector')).DurablyInspector,
}))

function Ready() {
  const { role } = useDurably()
  const view = useView()
  return (
    <>
      <ViewLinks />
      {/* It stays, so that its run is followed while another view is looked at. */}
      <div className="view" hidden={view !== 'import'}>
        <Importer latest={use(latest)} />
      </div>
      {view === 'tables' && <Desk />}
      {view === 'inspector' && (
        <Suspense fallback={<p className="hint">Opening…</p>}>
          <Inspector ready={lastReady()} />
        </Suspense>
      )}
      <p className="hint" data-testid="role" data-role={role}>
        {ROLES[role]}
      </p>
    </>
  )
}

const ROLES: Readonly<Record<Role, string>> = {
  owner: 'Python runs in this tab.',
  follower: 'Python runs in another tab; this one follows it.',
  'handing-over': 'Python moves to another tab…',
  server: 'Python runs on a server.',
}

const LINES: Readonly<Record<string, string>> = {
  manifest: 'Looking up the parts',
  storage: 'Opening the private storage',
  python: 'Starting Python',
  packages: 'Unpacking the packages',
  database: 'Opening the database',
  ready: 'Ready',
}

function BootCard({ stage, part, problem }: Boot) {
  return (
    <section className="card" aria-label="Starting" data-testid="boot">
      <p role="status">{LINES[stage] ?? stage}…</p>
      <progress aria-label="Start of Python" value={part} max={1} />
      {problem !== null && (
        <Problem title="Python does not answer yet" error={problem} role="status" />
      )}
    </section>
  )
}
