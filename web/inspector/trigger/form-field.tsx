/** One field of a form, of any kind, with the fields in it. */

import { useId } from 'react'
import type { FieldProblem } from '../../core/index'
import { type Draft, draftOf, start } from './draft'
import type { FieldProps } from './field-frame'
import { keyOf, type Landed } from './landing'
import {
  BooleanControl,
  ChoiceControl,
  FileControl,
  JsonControl,
  NumberControl,
  TextControl,
} from './leaf-fields'
import type { Field, ListField, ObjectField, UnionField } from './schema'

interface FormFieldProps {
  readonly field: Field
  readonly name: string
  readonly path: FieldProblem['path']
  readonly draft: Draft
  readonly landed: Landed
  readonly onChange: (draft: Draft) => void
}

export function FormField({ field, name, path, draft, landed, onChange }: FormFieldProps) {
  const problems = landed.get(keyOf(path)) ?? []
  const props = { name, draft, problems, onChange }
  switch (field.kind) {
    case 'text':
      return <TextControl {...props} field={field} />
    case 'number':
      return <NumberControl {...props} field={field} />
    case 'boolean':
      return <BooleanControl {...props} field={{ ...field, kind: 'boolean' }} />
    case 'choice':
      return <ChoiceControl {...props} field={field} />
    case 'file':
      return <FileControl {...props} field={{ ...field, kind: 'file' }} />
    case 'json':
      return <JsonControl {...props} field={{ ...field, kind: 'json' }} />
    case 'nothing':
      return <p className="hint">It takes no input.</p>
    case 'list':
    case 'object':
    case 'union':
      return <Group {...props} field={field} path={path} landed={landed} />
  }
}

type GroupProps = FieldProps & {
  readonly path: FieldProblem['path']
  readonly landed: Landed
}

/** Fields with fields in them, which may be left out as a whole. */
function Group(props: GroupProps & { readonly field: ListField | ObjectField | UnionField }) {
  const { field, name, draft, problems, onChange, path } = props
  const { description } = field
  const isIn = draft !== null
  return (
    <fieldset className={path.length === 0 ? 'form-group outermost' : 'form-group'}>
      <legend>{name}</legend>
      {description !== '' && <p className="hint">{description}</p>}
      {field.empty !== 'refused' && (
        <label className="check">
          <input
            type="checkbox"
            checked={isIn}
            onChange={() => onChange(isIn ? null : start(field))}
          />
          Give {name}
          {!isIn && field.empty === 'null' && <span className="soft"> (null without)</span>}
        </label>
      )}
      {isIn && field.kind === 'object' && <Parts {...props} field={field} />}
      {isIn && field.kind === 'list' && <Items {...props} field={field} />}
      {isIn && field.kind === 'union' && <Options {...props} field={field} />}
      {problems.length > 0 && (
        <p className="field-problem" role="alert">
          {problems.join('; ')}
        </p>
      )}
    </fieldset>
  )
}

function Parts({ field, draft, path, landed, onChange }: GroupProps & { field: ObjectField }) {
  if (draft === null || typeof draft !== 'object' || !('parts' in draft)) return null
  const { parts } = draft
  return field.properties().map(({ key, field: part }) => {
    // A tag is chosen by its union, not by hand.
    if (part.kind === 'choice' && part.values.length === 1 && part.empty === 'refused') return null
    return (
      <FormField
        key={key}
        field={part}
        name={key}
        path={[...path, key]}
        draft={parts[key] ?? null}
        landed={landed}
        onChange={(changed) => onChange({ parts: { ...parts, [key]: changed } })}
      />
    )
  })
}

function Items(props: GroupProps & { field: ListField }) {
  const { field, name, draft, path, landed, onChange } = props
  if (draft === null || typeof draft !== 'object' || !('items' in draft)) return null
  const { items, nextId } = draft
  const add = () =>
    onChange({ items: [...items, { id: nextId, draft: draftOf(field.item) }], nextId: nextId + 1 })
  return (
    <>
      {items.map(({ id, draft: item }, index) => (
        <div className="form-item" key={id}>
          <FormField
            field={field.item}
            name={`${name} ${index + 1}`}
            path={[...path, index]}
            draft={item}
            landed={landed}
            onChange={(changed) =>
              onChange({
                items: items.map((one) => (one.id === id ? { id, draft: changed } : one)),
                nextId,
              })
            }
          />
          <button
            type="button"
            className="button small"
            aria-label={`Remove ${name} ${index + 1}`}
            onClick={() => onChange({ items: items.filter((one) => one.id !== id), nextId })}
          >
            Remove
          </button>
        </div>
      ))}
      {items.length < field.maxItems && (
        <button type="button" className="button small" onClick={add}>
          Add to {name}
        </button>
      )}
    </>
  )
}

function Options(props: GroupProps & { field: UnionField }) {
  const { field, name, draft, path, landed, onChange } = props
  const id = useId()
  if (draft === null || typeof draft !== 'object' || !('option' in draft)) return null
  const chosen = field.options[draft.option]?.field()
  return (
    <>
      <div className="form-field">
        <label htmlFor={id}>Kind of {name}</label>
        <select
          id={id}
          className="input"
          value={draft.option}
          onChange={({ target }) => {
            const option = Number(target.value)
            const inner = field.options[option]?.field()
            onChange({ option, draft: inner ? draftOf(inner) : null })
          }}
        >
          {field.options.map(({ label }, index) => (
            <option key={label} value={index}>
              {label}
            </option>
          ))}
        </select>
      </div>
      {chosen && (
        <FormField
          field={{ ...chosen, description: '' }}
          name={chosen.kind === 'object' ? (field.options[draft.option]?.label ?? name) : name}
          path={path}
          draft={draft.draft}
          landed={landed}
          onChange={(inner) => onChange({ option: draft.option, draft: inner })}
        />
      )}
    </>
  )
}
