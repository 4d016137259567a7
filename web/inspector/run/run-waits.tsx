/** What a run waits for: a time, an answer, or a run that it called. */

import { type FormEvent, useMemo, useState, useSyncExternalStore } from 'react'
import { type DurablyClient, DurablyError, type Wait, WaitsStore } from '../../core/index'
import { JsonView } from '../parts/json-view'
import { Problem } from '../parts/problem'
import { ExactMoment, Length } from '../parts/times'
import { useAction } from '../parts/use-action'

interface RunWaitsProps {
  readonly durably: DurablyClient
  readonly runId: string
  readonly onOpen: (runId: string) => void
}

export function RunWaits({ durably, runId, onOpen }: RunWaitsProps) {
  const store = useMemo(() => new WaitsStore(durably, runId), [durably, runId])
  const { data, error } = useSyncExternalStore(store.subscribe, store.getSnapshot)
  if (error !== null) return <Problem title="The waits can’t be read" error={error} />
  if (data === null || data.length === 0) return null
  return (
    <div className="block">
      <h3>Waits</h3>
      <ul className="plain waits">
        {data.map((wait) => (
          <li key={wait.id} data-wait={wait.name}>
            <p>
              <strong>{wait.name}</strong> <span className="soft">{KINDS[wait.kind]}</span>{' '}
              <span className={`chip ${wait.status === 'pending' ? 'waiting' : 'pending'}`}>
                {wait.outcome ?? (wait.status === 'pending' ? 'waiting' : wait.status)}
              </span>
            </p>
            <WaitFacts wait={wait} onOpen={onOpen} />
            {wait.kind === 'signal' && wait.status === 'pending' && (
              <Answer durably={durably} wait={wait} />
            )}
          </li>
        ))}
      </ul>
    </div>
  )
}

const KINDS = { timer: 'a time', signal: 'an answer', run: 'a run' } as const

interface WaitFactsProps {
  readonly wait: Wait
  readonly onOpen: (runId: string) => void
}

function WaitFacts({ wait, onOpen }: WaitFactsProps) {
  const { deadlineAt, childId, metadata, payload, suspendedAt, resolvedAt, kind } = wait
  return (
    <>
      {suspendedAt !== null && (
        <p>
          {resolvedAt === null ? 'For' : 'Took'} <Length from={suspendedAt} to={resolvedAt} />
        </p>
      )}
      {deadlineAt !== null && resolvedAt === null && (
        <p>
          Until <ExactMoment time={deadlineAt} />
        </p>
      )}
      {childId !== null && (
        <button type="button" className="link" onClick={() => onOpen(childId)}>
          Open run {childId}
        </button>
      )}
      {metadata !== null && <JsonView label={`Question of ${wait.name}`} value={metadata} />}
      {kind === 'signal' && wait.outcome === 'signal' && (
        <JsonView label={`Answer to ${wait.name}`} value={payload} />
      )}
    </>
  )
}

interface AnswerProps {
  readonly durably: DurablyClient
  readonly wait: Wait
}

function Answer({ durably, wait }: AnswerProps) {
  const [text, setText] = useState('null')
  const { isBusy, error, act } = useAction()
  const send = (event: FormEvent) => {
    event.preventDefault()
    void act(async () => durably.signal(wait.id, parsed(text)))
  }
  return (
    <form className="answer" onSubmit={send}>
      <label className="field">
        <span>Answer, as JSON</span>
        <textarea
          className="input mono"
          rows={2}
          spellCheck={false}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={isBusy}>
        Answer {wait.name}
      </button>
      {error !== null && <Problem title="It was not answered" error={error} />}
    </form>
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new DurablyError('validation', `This is no JSON: ${String(cause)}`)
  }
}
