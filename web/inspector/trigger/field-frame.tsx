/** What is around every field: its name, what it is for, what is wrong with it. */

import { type ReactNode, useId } from 'react'
import type { Draft } from './draft'
import type { Field } from './schema'

/** What every field is given. */
export interface FieldProps {
  readonly name: string
  readonly draft: Draft
  readonly problems: readonly string[]
  readonly onChange: (draft: Draft) => void
}

/** What a control is given, so that all of it is read with its name. */
export interface ControlProps {
  readonly id: string
  readonly 'aria-describedby': string | undefined
  readonly 'aria-invalid': boolean
  readonly required: boolean
}

interface FieldFrameProps {
  readonly field: Field
  readonly name: string
  readonly hint?: string
  readonly problems: readonly string[]
  readonly children: (control: ControlProps) => ReactNode
}

export function FieldFrame({ field, name, hint = '', problems, children }: FieldFrameProps) {
  const id = useId()
  const isOptional = field.empty !== 'refused'
  const about = [field.description, hint].filter((text) => text !== '').join(' ')
  const described = [about && `${id}-about`, problems.length > 0 && `${id}-problem`]
  return (
    <div className="form-field">
      <label htmlFor={id}>
        {name}
        {isOptional && <span className="soft"> optional</span>}
      </label>
      {children({
        id,
        'aria-describedby': described.filter(Boolean).join(' ') || undefined,
        'aria-invalid': problems.length > 0,
        required: !isOptional,
      })}
      {about !== '' && (
        <p className="hint" id={`${id}-about`}>
          {about}
        </p>
      )}
      {problems.length > 0 && (
        <p className="field-problem" id={`${id}-problem`}>
          {problems.join('; ')}
        </p>
      )}
    </div>
  )
}
