/** What can be done with a run. */

import { useState } from 'react'
import type { ClientRun, DurablyClient } from '../../core/index'
import { ConfirmDialog } from '../parts/confirm-dialog'
import { CopyButton } from '../parts/copy-button'
import { Problem } from '../parts/problem'
import { useAction } from '../parts/use-action'

interface RunActionsProps {
  readonly durably: DurablyClient
  readonly run: ClientRun
  readonly onOpen: (runId: string) => void
  readonly onGone: () => void
}

export function RunActions({ durably, run, onOpen, onGone }: RunActionsProps) {
  const { isBusy, error, act } = useAction()
  const [isAsked, setAsked] = useState(false)
  const retrigger = async () => onOpen((await durably.retrigger(run.id)).runId)
  return (
    <>
      <div className="actions">
        {run.isActive && (
          <button
            type="button"
            className="button"
            disabled={isBusy}
            onClick={() => void act(() => durably.cancel(run.id))}
          >
            Cancel
          </button>
        )}
        {(run.status === 'failed' || run.status === 'cancelled') && (
          <button
            type="button"
            className="button primary"
            disabled={isBusy}
            title="Go on in place, with the saved steps"
            onClick={() => void act(() => durably.resume(run.id))}
          >
            Resume
          </button>
        )}
        {run.isTerminal && (
          <>
            <button
              type="button"
              className="button"
              disabled={isBusy}
              title="Start a fresh run with the same input"
              onClick={() => void act(retrigger)}
            >
              Retrigger
            </button>
            <button
              type="button"
              className="button danger"
              disabled={isBusy}
              onClick={() => setAsked(true)}
            >
              Delete
            </button>
          </>
        )}
        <CopyButton label="Copy id" text={() => run.id} />
      </div>
      {error !== null && <Problem title="That was not possible" error={error} />}
      {isAsked && (
        <ConfirmDialog
          title="Delete this run?"
          verb="Delete"
          onClose={() => setAsked(false)}
          onConfirm={() =>
            void act(() => durably.deleteRun(run.id)).then((isDone) => {
              if (isDone) onGone()
            })
          }
        >
          <p>
            The run of <strong>{run.jobName}</strong> goes with its steps, its log, its labels and
            the files that no other run refers to.
          </p>
        </ConfirmDialog>
      )}
    </>
  )
}
