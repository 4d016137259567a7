/** The store as a whole: its room, out in one file and in again, and its end. */

import { useCallback, useState } from 'react'
import type { DurablyClient, StorageFigures } from '../../core/index'
import { ConfirmDialog } from '../parts/confirm-dialog'
import { percentText, sizeText } from '../parts/format'
import { Problem } from '../parts/problem'
import { saveFile } from '../parts/save-file'
import { ExactMoment } from '../parts/times'
import { useAction } from '../parts/use-action'
import { useAnswer } from '../parts/use-answer'

type Asked = { readonly what: 'import'; readonly file: File } | { readonly what: 'reset' }

interface StoreViewProps {
  readonly durably: DurablyClient
}

export function StoreView({ durably }: StoreViewProps) {
  const { value: health, error, ask } = useAnswer(useCallback(() => durably.health(), [durably]))
  const { isBusy, error: refusal, act } = useAction()
  const [asked, setAsked] = useState<Asked | null>(null)
  const [done, setDone] = useState('')
  const run = async (work: () => Promise<unknown>, said: string) => {
    setDone('')
    if (await act(work)) setDone(said)
    ask()
  }
  const exportStore = () =>
    run(async () => saveFile(await durably.exportStore(), exportName()), 'The store was exported.')
  const storage = health?.storage
  if (error !== null) return <Problem title="The store can’t be read" error={error} />
  if (health === null) return <p className="hint view">Asking the engine…</p>
  return (
    <section className="view" aria-label="Store">
      {storage === undefined ? (
        <div className="empty">
          <p>
            <strong>The store is not on this device</strong>
          </p>
          <p>The engine keeps it on a server: export, import and reset it there.</p>
        </div>
      ) : (
        <Room storage={storage} />
      )}
      {refusal !== null && <Problem title="That was not possible" error={refusal} />}
      <p className="said" role="status">
        {isBusy ? 'At work…' : done}
      </p>
      {storage !== undefined && (
        <div className="acts">
          <Act
            title="Export"
            text="The whole store, files of runs included, as one SQLite file. Jobs go on meanwhile."
          >
            <button
              type="button"
              className="button"
              disabled={isBusy}
              onClick={() => void exportStore()}
            >
              Export the store
            </button>
          </Act>
          <Act
            title="Import"
            text="An exported store takes the place of this one. Runs of it that were under way go on."
          >
            <label className="button file-button" data-disabled={isBusy}>
              Import a store
              <input
                type="file"
                accept=".sqlite3,.sqlite,.db,application/vnd.sqlite3"
                disabled={isBusy}
                onChange={(event) => {
                  const file = event.target.files?.[0]
                  event.target.value = ''
                  if (file) setAsked({ what: 'import', file })
                }}
              />
            </label>
          </Act>
          <Act
            title="Reset"
            text="Removes all runs, their files, and every file that jobs have made."
          >
            <button
              type="button"
              className="button danger"
              disabled={isBusy}
              onClick={() => setAsked({ what: 'reset' })}
            >
              Reset the store
            </button>
          </Act>
        </div>
      )}
      {asked?.what === 'import' && (
        <ConfirmDialog
          title="Import this store?"
          verb="Import"
          onClose={() => setAsked(null)}
          onConfirm={() =>
            void run(() => durably.importStore(asked.file), 'The store was imported.')
          }
        >
          <p>
            <strong>{asked.file.name}</strong> ({sizeText(asked.file.size)}) takes the place of what
            is here. All runs of this store are lost; export it first to keep them.
          </p>
        </ConfirmDialog>
      )}
      {asked?.what === 'reset' && (
        <ConfirmDialog
          title="Reset the store?"
          verb="Reset"
          word="reset"
          onClose={() => setAsked(null)}
          onConfirm={() => void run(() => durably.resetStore(), 'The store is empty now.')}
        >
          <p>All runs, their files, and every file that jobs have made are removed for good.</p>
        </ConfirmDialog>
      )}
    </section>
  )
}

function exportName(): string {
  return `durably-${new Date().toISOString().slice(0, 19).replace(/:/g, '-')}.sqlite3`
}

function Room({ storage }: { readonly storage: StorageFigures }) {
  const { usage, quota, persisted, lostSince } = storage
  return (
    <>
      {lostSince !== undefined && (
        <div className="problem mild" role="status">
          <p className="problem-title">The browser has removed the store</p>
          <p>
            It was last there <ExactMoment time={lostSince} />.
          </p>
        </div>
      )}
      <dl className="figures">
        <div>
          <dt>In use by this site</dt>
          <dd>{usage === null ? 'not told' : sizeText(usage)}</dd>
        </div>
        <div>
          <dt>Quota</dt>
          <dd>{quota === null ? 'not told' : sizeText(quota)}</dd>
        </div>
        <div>
          <dt>Kept until removed</dt>
          <dd>{persisted ? 'yes' : 'no'}</dd>
        </div>
      </dl>
      {usage !== null && quota !== null && quota > 0 && (
        <div className="stack tight">
          <meter aria-label="Part of the quota in use" min={0} max={1} value={usage / quota}>
            {percentText(usage / quota)}
          </meter>
          <p className="hint">
            {usage > 0 && usage / quota < 0.01 ? 'Less than 1%' : percentText(usage / quota)} of the
            quota.{' '}
            {!persisted &&
              'A browser that is short of room may remove the store: the app can ask for it to be kept with navigator.storage.persist().'}
          </p>
        </div>
      )}
    </>
  )
}

interface ActProps {
  readonly title: string
  readonly text: string
  readonly children: React.ReactNode
}

function Act({ title, text, children }: ActProps) {
  return (
    <div className="act">
      <h3>{title}</h3>
      <p className="hint">{text}</p>
      {children}
    </div>
  )
}
