/** Fields without fields in them. */

import { numberText } from '../parts/format'
import type { Draft } from './draft'
import { FieldFrame, type FieldProps } from './field-frame'
import type { Field, NumberField, TextField } from './schema'

type Of<Kind extends Field['kind']> = FieldProps & { readonly field: Field & { kind: Kind } }

const textOf = (draft: Draft) => (typeof draft === 'string' ? draft : '')

const INPUT_TYPES: Readonly<Record<string, string>> = {
  date: 'date',
  'date-time': 'datetime-local',
  email: 'email',
  uri: 'url',
}

const HINTS: Readonly<Record<string, string>> = {
  'date-time': 'In your time zone.',
  duration: 'As ISO 8601 has it, such as PT90S.',
  uuid: 'A UUID.',
  binary: 'As base64.',
}

export function TextControl(props: FieldProps & { readonly field: TextField }) {
  const { field, name, draft, problems, onChange } = props
  const { pattern, minLength, maxLength, format } = field
  return (
    <FieldFrame field={field} name={name} problems={problems} hint={HINTS[format] ?? ''}>
      {({ required, ...control }) => (
        <input
          {...control}
          className="input"
          type={INPUT_TYPES[format] ?? 'text'}
          step={format === 'date-time' ? 1 : undefined}
          // An empty text is a text: the engine says whether it may be one.
          required={required && (format !== '' || (minLength ?? 0) > 0)}
          pattern={pattern}
          minLength={minLength}
          maxLength={maxLength}
          value={textOf(draft)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FieldFrame>
  )
}

export function NumberControl(props: FieldProps & { readonly field: NumberField }) {
  const { field, name, draft, problems, onChange } = props
  const { min, max, isInteger, bounds } = field
  return (
    <FieldFrame field={field} name={name} problems={problems} hint={boundsText(min, max, bounds)}>
      {(control) => (
        <input
          {...control}
          className="input"
          type="number"
          inputMode={isInteger ? 'numeric' : 'decimal'}
          step={isInteger ? 1 : 'any'}
          min={min}
          max={max}
          value={textOf(draft)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FieldFrame>
  )
}

function boundsText(min: number | undefined, max: number | undefined, bounds: string): string {
  if (bounds !== '') return `${bounds[0]?.toUpperCase()}${bounds.slice(1)}.`
  if (min !== undefined && max !== undefined) return `${numberText(min)} to ${numberText(max)}.`
  if (min !== undefined) return `At least ${numberText(min)}.`
  return max === undefined ? '' : `At most ${numberText(max)}.`
}

export function BooleanControl({ field, name, draft, problems, onChange }: Of<'boolean'>) {
  // Left out is something else than false, where nothing says what it is then.
  if (draft === null || (field.empty !== 'refused' && field.preset === undefined)) {
    const value = draft === null ? '' : String(draft)
    return (
      <FieldFrame field={field} name={name} problems={problems}>
        {(control) => (
          <select
            {...control}
            className="input"
            value={value}
            onChange={({ target }) =>
              onChange(target.value === '' ? null : target.value === 'true')
            }
          >
            <option value="">–</option>
            <option>true</option>
            <option>false</option>
          </select>
        )}
      </FieldFrame>
    )
  }
  return (
    <div className="form-field">
      <label className="check">
        <input
          type="checkbox"
          checked={draft === true}
          onChange={(event) => onChange(event.target.checked)}
        />
        {name}
      </label>
      {field.description !== '' && <p className="hint">{field.description}</p>}
      {problems.length > 0 && <p className="field-problem">{problems.join('; ')}</p>}
    </div>
  )
}

export function ChoiceControl({ field, name, draft, problems, onChange }: Of<'choice'>) {
  return (
    <FieldFrame field={field} name={name} problems={problems}>
      {(control) => (
        <select
          {...control}
          className="input"
          value={draft === null ? '' : String(draft)}
          onChange={({ target }) => onChange(target.value === '' ? null : Number(target.value))}
        >
          {(draft === null || field.empty !== 'refused') && <option value="">–</option>}
          {field.values.map((value, index) => (
            <option key={JSON.stringify(value)} value={index}>
              {typeof value === 'string' ? shown(value) : JSON.stringify(value)}
            </option>
          ))}
        </select>
      )}
    </FieldFrame>
  )
}

/** A tab or nothing at all can't be seen. */
function shown(value: string): string {
  return value.trim() === '' ? JSON.stringify(value) : value
}

export function FileControl({ field, name, draft, problems, onChange }: Of<'file'>) {
  return (
    <FieldFrame field={field} name={name} problems={problems}>
      {({ required, ...control }) => (
        <input
          {...control}
          className="input file-input"
          type="file"
          required={required && draft === null}
          onChange={(event) => onChange(event.target.files?.[0] ?? null)}
        />
      )}
    </FieldFrame>
  )
}

export function JsonControl({ field, name, draft, problems, onChange }: Of<'json'>) {
  return (
    <FieldFrame field={field} name={name} problems={problems} hint="As JSON.">
      {(control) => (
        <textarea
          {...control}
          className="input mono"
          rows={4}
          spellCheck={false}
          value={textOf(draft)}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FieldFrame>
  )
}
