/** The inspector inside its shadow root: the views, and which of them is shown. */

import { useCallback, useState } from 'react'
import { useDurably } from '../react/index'
import { EngineView } from './engine/engine-view'
import { useBootStages } from './engine/use-boot-stages'
import { type InspectorOptions, type InspectorView, VIEWS } from './options'
import { Boundary } from './parts/problem'
import { RunView } from './run/run-view'
import { FIRST_CHOICE, RunsView } from './runs/runs-view'
import { StoreView } from './store/store-view'
import { TriggerView } from './trigger/trigger-view'

export function Inspector({ theme = 'auto', defaultView = 'runs', ready }: InspectorOptions) {
  const { durably, role, health } = useDurably()
  const [view, setView] = useState<InspectorView>(defaultView)
  const [runId, setRunId] = useState<string | null>(null)
  const [choice, setChoice] = useState(FIRST_CHOICE)
  const stages = useBootStages(durably)
  const show = useCallback((next: InspectorView) => {
    setView(next)
    setRunId(null)
  }, [])
  const open = useCallback((id: string) => {
    setView('runs')
    setRunId(id)
  }, [])
  const back = useCallback(() => setRunId(null), [])
  return (
    <div className="inspector" data-theme={theme}>
      <header className="top">
        <nav aria-label="Inspector">
          {VIEWS.map(({ view: one, name }) => (
            <button
              key={one}
              type="button"
              aria-current={one === view ? 'page' : undefined}
              onClick={() => show(one)}
            >
              {name}
            </button>
          ))}
        </nav>
        <p className="engine-word" data-state={health?.state ?? 'unknown'}>
          <span>{health?.state === 'degraded' ? 'degraded' : role}</span>
        </p>
      </header>
      <Boundary>
        {runId !== null && (
          <RunView key={runId} durably={durably} runId={runId} onBack={back} onOpen={open} />
        )}
        {view === 'runs' && runId === null && (
          <RunsView
            durably={durably}
            choice={choice}
            onChoose={setChoice}
            onOpen={open}
            onTrigger={() => show('trigger')}
          />
        )}
        {view === 'trigger' && <TriggerView durably={durably} onOpen={open} />}
        {view === 'store' && <StoreView durably={durably} />}
        {view === 'engine' && (
          <EngineView stages={stages} ready={ready} durably={durably} onOpen={open} />
        )}
      </Boundary>
    </div>
  )
}
