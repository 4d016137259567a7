/** Copies a text, and says so. */

import { useEffect, useState } from 'react'

const SHOWN_FOR = 2000

interface CopyButtonProps {
  readonly label: string
  readonly text: () => string
}

export function CopyButton({ label, text }: CopyButtonProps) {
  const [said, say] = useState<'Copied' | 'Not allowed' | null>(null)
  useEffect(() => {
    if (said === null) return
    const timer = setTimeout(() => say(null), SHOWN_FOR)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () =>
    navigator.clipboard.writeText(text()).then(
      () => say('Copied'),
      () => say('Not allowed'),
    )
  return (
    <button type="button" className="button small" onClick={() => void copy()}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  )
}
