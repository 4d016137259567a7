/** Labels of a run. */

import type { Labels } from '../../core/index'

export function LabelList({ labels }: { readonly labels: Labels }) {
  const known = Object.entries(labels)
  if (known.length === 0) return null
  return (
    <span className="labels">
      {known.map(([key, value]) => (
        <span key={key} className="label" title={`${key}=${value}`}>
          <span className="soft">{key}=</span>
          {value}
        </span>
      ))}
    </span>
  )
}

/** What was typed as labels: `key=value`, several with blanks between; null when one is no label. */
export function parseLabels(text: string): Labels | null {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '')
  const labels: Record<string, string> = {}
  for (const part of parts) {
    const at = part.indexOf('=')
    if (at < 1) return null
    labels[part.slice(0, at)] = part.slice(at + 1)
  }
  return labels
}
