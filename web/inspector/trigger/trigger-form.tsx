/** A job's input as a form, or as JSON, and what is given beside it. */

import { useMemo, useState } from 'react'
import { DurablyError, toDurablyError } from '../../core/errors'
import type { DurablyClient, FieldProblem, JobInfo } from '../../core/index'
import { Problem } from '../parts/problem'
import { useAction } from '../parts/use-action'
import { type Draft, draftOf, inputOf } from './draft'
import { FormField } from './form-field'
import { landed, NOWHERE } from './landing'
import { fieldOf } from './schema'
import { NO_EXTRAS, optionsOf, TriggerExtras } from './trigger-extras'

interface TriggerFormProps {
  readonly durably: DurablyClient
  readonly job: JobInfo
  readonly onTriggered: (runId: string) => void
}

export function TriggerForm({ durably, job, onTriggered }: TriggerFormProps) {
  const field = useMemo(() => fieldOf(job.input), [job])
  const [draft, setDraft] = useState<Draft>(() => draftOf(field))
  const [raw, setRaw] = useState<string | null>(null)
  const [extras, setExtras] = useState(NO_EXTRAS)
  const [problems, setProblems] = useState<readonly FieldProblem[]>([])
  const { isBusy, error, act } = useAction()
  const shown = problems.length === 0 ? NOWHERE : landed(field, draft, problems)

  const trigger = async () => {
    setProblems([])
    const filled = raw === null ? inputOf(field, draft) : parsed(raw)
    if (filled.problems) return setProblems(filled.problems)
    await act(async () => {
      try {
        const { runId } = await durably.trigger(job.name, filled.input, optionsOf(extras))
        onTriggered(runId)
      } catch (cause) {
        const refused = toDurablyError(cause)
        setProblems(refused.problems)
        throw refused
      }
    })
  }
  const toJson = () => {
    const filled = inputOf(field, draft)
    // A file has no JSON form: its place is left empty.
    setRaw(JSON.stringify(filled.problems ? {} : filled.input, null, 2))
    setProblems([])
  }
  const isAtFields = error instanceof DurablyError && error.problems.length > 0 && raw === null
  return (
    <form
      className="stack trigger-form"
      onSubmit={(event) => {
        event.preventDefault()
        void trigger()
      }}
    >
      {raw === null ? (
        <FormField
          field={field}
          name={field.kind === 'object' ? 'Input' : field.title || 'Input'}
          path={[]}
          draft={draft}
          landed={shown}
          onChange={setDraft}
        />
      ) : (
        <label className="form-field">
          <span>Input as JSON</span>
          <textarea
            className="input mono"
            rows={12}
            spellCheck={false}
            aria-invalid={problems.length > 0}
            value={raw}
            onChange={(event) => setRaw(event.target.value)}
          />
        </label>
      )}
      <TriggerExtras extras={extras} onChange={setExtras} />
      {problems.length > 0 && (
        <div className="problem" role="alert">
          <p className="problem-title">
            {isAtFields ? 'The engine refused the input' : 'The input is not right yet'}
          </p>
          <ul>
            {problems.map(({ path, message }) => (
              <li key={`${path.join('.')}${message}`}>
                {path.length > 0 && <code>{path.join('.')}</code>} {message}
              </li>
            ))}
          </ul>
        </div>
      )}
      {error !== null && problems.length === 0 && (
        <Problem title="The job was not triggered" error={error} />
      )}
      <div className="actions">
        <button type="submit" className="button primary" disabled={isBusy}>
          Trigger {job.name}
        </button>
        {field.kind !== 'nothing' && (
          <button
            type="button"
            className="link"
            onClick={() => (raw === null ? toJson() : setRaw(null))}
          >
            {raw === null ? 'Write it as JSON' : 'Back to the form'}
          </button>
        )}
      </div>
    </form>
  )
}

function parsed(raw: string): ReturnType<typeof inputOf> {
  try {
    return { input: raw.trim() === '' ? null : JSON.parse(raw) }
  } catch (error) {
    return { problems: [{ path: [], message: `This is no JSON: ${(error as Error).message}` }] }
  }
}
