/** Asks before something that cannot be undone. */

import { type ReactNode, useEffect, useId, useRef, useState } from 'react'

interface ConfirmDialogProps {
  readonly title: string
  readonly children: ReactNode
  /** What the button says that does it. */
  readonly verb: string
  /** A word that has to be typed first. */
  readonly word?: string
  readonly onConfirm: () => void
  readonly onClose: () => void
}

/** Open as long as it is rendered. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, children, verb, word, onConfirm, onClose } = props
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  const [typed, setTyped] = useState('')
  useEffect(() => {
    const shown = dialog.current
    if (shown?.open === false) shown.showModal()
    return () => shown?.close()
  }, [])
  const isAllowed = word === undefined || typed.trim() === word
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={onClose}>
      <form
        method="dialog"
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (!isAllowed) return
          onConfirm()
          onClose()
        }}
      >
        <h3 id={id}>{title}</h3>
        <div className="stack">{children}</div>
        {word !== undefined && (
          <label className="field">
            <span>
              Type <strong>{word}</strong> to go on
            </span>
            <input
              className="input"
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
        )}
        <div className="actions end">
          <button type="button" className="button" onClick={onClose}>
            Keep it
          </button>
          <button type="submit" className="button danger" disabled={!isAllowed}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  )
}
