/** Fields of the tools' forms. */

import { type ReactNode, useId } from 'react'

interface FieldProps {
  readonly label: string
  readonly children: (id: string) => ReactNode
}

function Field({ label, children }: FieldProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  )
}

interface SelectProps<Value extends string> {
  readonly label: string
  readonly choices: readonly (readonly [Value, string])[]
  readonly value: Value
  readonly onChoose: (value: Value) => void
}

export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, choices, value, onChoose } = props
  const choose = (wanted: string) => {
    const found = choices.find(([known]) => known === wanted)
    if (found !== undefined) onChoose(found[0])
  }
  return (
    <Field label={label}>
      {(id) => (
        <select id={id} value={value} onChange={(event) => choose(event.currentTarget.value)}>
          {choices.map(([known, name]) => (
            <option key={known} value={known}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

interface CheckProps {
  readonly label: string
  readonly isOn: boolean
  readonly onChange: (isOn: boolean) => void
}

export function Check({ label, isOn, onChange }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  )
}

interface TextProps {
  readonly label: string
  readonly value: string
  readonly type?: 'text' | 'url' | 'number'
  readonly onChange: (value: string) => void
}

export function Text({ label, value, type = 'text', onChange }: TextProps) {
  return (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          type={type}
          className="input"
          value={value}
          min={type === 'number' ? 1 : undefined}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  )
}

/** Columns as a select offers them. */
export const columnChoices = (
  columns: readonly { readonly name: string }[],
): readonly (readonly [string, string])[] => columns.map(({ name }) => [name, name])
