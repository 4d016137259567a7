/** What may be given beside an input: labels and keys. */

import type { ClientTriggerOptions } from '../../core/index'
import { parseLabels } from '../parts/labels'

export interface Extras {
  readonly labels: string
  readonly idempotencyKey: string
  readonly concurrencyKey: string
}

export const NO_EXTRAS: Extras = { labels: '', idempotencyKey: '', concurrencyKey: '' }

export function optionsOf({
  labels,
  idempotencyKey,
  concurrencyKey,
}: Extras): ClientTriggerOptions {
  const parsed = parseLabels(labels) ?? {}
  return {
    ...(Object.keys(parsed).length === 0 ? {} : { labels: parsed }),
    ...(idempotencyKey === '' ? {} : { idempotencyKey }),
    ...(concurrencyKey === '' ? {} : { concurrencyKey }),
  }
}

const NAMES: Readonly<Record<keyof Extras, string>> = {
  labels: 'Labels',
  idempotencyKey: 'Idempotency key',
  concurrencyKey: 'Concurrency key',
}

interface TriggerExtrasProps {
  readonly extras: Extras
  readonly onChange: (extras: Extras) => void
}

export function TriggerExtras({ extras, onChange }: TriggerExtrasProps) {
  return (
    <details className="extras">
      <summary>Labels and keys</summary>
      <div className="extras-fields">
        {(Object.keys(NAMES) as (keyof Extras)[]).map((key) => (
          <label key={key} className="field">
            <span>{NAMES[key]}</span>
            <input
              className="input"
              value={extras[key]}
              spellCheck={false}
              autoCapitalize="off"
              {...(key === 'labels'
                ? { placeholder: 'key=value', pattern: '\\s*([^\\s,=]+=[^\\s,]*[\\s,]*)*' }
                : {})}
              onChange={(event) => onChange({ ...extras, [key]: event.target.value })}
            />
          </label>
        ))}
      </div>
    </details>
  )
}
