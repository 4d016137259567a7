/** What a form holds while it is filled in, and the input that comes of it. Pure. */

import type { FieldProblem, Json } from '../../core/index'
import type { Field, UnionField } from './schema'

/**
 * By the kind of its field: a text as it was typed (also of a number, or of JSON), an index among the values of a choice, or
 * parts. Null where the field is left out.
 */
export type Draft = null | string | boolean | number | File | ListDraft | ObjectDraft | UnionDraft

export interface ListDraft {
  readonly items: readonly { readonly id: number; readonly draft: Draft }[]
  readonly nextId: number
}

export interface ObjectDraft {
  readonly parts: Readonly<Record<string, Draft>>
}

export interface UnionDraft {
  readonly option: number
  readonly draft: Draft
}

/** Return what a form begins with. */
export function draftOf(field: Field, value: Json | undefined = field.preset): Draft {
  if (value === undefined || value === null) return field.empty === 'refused' ? start(field) : null
  switch (field.kind) {
    case 'text':
      return localText(field.format, String(value))
    case 'number':
      return String(value)
    case 'boolean':
      return value === true
    case 'choice': {
      const text = JSON.stringify(value)
      const at = field.values.findIndex((one) => JSON.stringify(one) === text)
      return at < 0 ? null : at
    }
    case 'file':
    case 'nothing':
      return null
    case 'json':
      return JSON.stringify(value, null, 2)
    case 'list': {
      const values = Array.isArray(value) ? value : []
      const items = values.map((item: Json, id) => ({ id, draft: draftOf(field.item, item) }))
      return { items, nextId: items.length }
    }
    case 'object': {
      const known = value as { readonly [key: string]: Json }
      return {
        parts: Object.fromEntries(
          field
            .properties()
            .map(({ key, field: part }) => [key, draftOf(part, known[key] ?? part.preset)]),
        ),
      }
    }
    case 'union':
      return unionDraftOf(field, value)
  }
}

/** Of the options, the first that the value has the look of. */
function unionDraftOf(field: UnionField, value: Json): Draft {
  const at = field.options.findIndex(({ field: option }) => looksLike(option(), value))
  const option = Math.max(0, at)
  const chosen = field.options[option]
  return { option, draft: chosen ? draftOf(chosen.field(), at < 0 ? undefined : value) : null }
}

function looksLike(field: Field, value: Json): boolean {
  switch (field.kind) {
    case 'text':
      return typeof value === 'string'
    case 'number':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'list':
      return Array.isArray(value)
    case 'choice':
      return draftOf(field, value) !== null
    case 'object':
      return (
        typeof value === 'object' &&
        value !== null &&
        field.properties().every(({ key, field: part }) => {
          const given = (value as { readonly [key: string]: Json })[key]
          if (given === undefined) return part.empty !== 'refused'
          return part.kind !== 'choice' || looksLike(part, given)
        })
      )
    default:
      return field.kind === 'json'
  }
}

/** Return the draft of a field that must be filled in. */
export function start(field: Field): Draft {
  switch (field.kind) {
    case 'boolean':
      return false
    case 'choice':
      return field.values.length === 1 ? 0 : null
    case 'list': {
      const ids = Array.from({ length: field.minItems }, (_, id) => id)
      return { items: ids.map((id) => ({ id, draft: draftOf(field.item) })), nextId: ids.length }
    }
    case 'object':
      return draftOf(field, {})
    case 'union': {
      const [first] = field.options
      return { option: 0, draft: first ? draftOf(first.field()) : null }
    }
    case 'text':
    case 'number':
    case 'json':
      return ''
    default:
      return null
  }
}

/** An input, with the files in it as they are; or what can't be an input. */
export type Filled =
  | { readonly input: unknown; readonly problems?: undefined }
  | { readonly problems: readonly FieldProblem[] }

const ABSENT = Symbol('absent')

export function inputOf(field: Field, draft: Draft): Filled {
  const problems: FieldProblem[] = []
  const input = filledOf(field, draft, [], problems)
  return problems.length > 0 ? { problems } : { input: input === ABSENT ? null : input }
}

type Path = FieldProblem['path']

function filledOf(field: Field, draft: Draft, path: Path, problems: FieldProblem[]): unknown {
  if (field.kind === 'nothing') return null
  if (draft === null || (draft === '' && (field.kind !== 'text' || field.empty !== 'refused'))) {
    if (field.empty === 'null') return null
    if (field.empty === 'absent') return ABSENT
    problems.push({ path, message: 'has to be given' })
    return null
  }
  if (typeof draft === 'string') return parsed(field, draft, path, problems)
  if (typeof draft === 'number') return field.kind === 'choice' ? field.values[draft] : draft
  if (typeof draft === 'boolean' || draft instanceof File) return draft
  if ('items' in draft && field.kind === 'list') {
    return draft.items.map(({ draft: item }, index) =>
      filledOf(field.item, item, [...path, index], problems),
    )
  }
  if ('parts' in draft && field.kind === 'object') {
    const parts = field.properties().map(({ key, field: part }) => {
      const value = filledOf(part, draft.parts[key] ?? null, [...path, key], problems)
      return [key, value] as const
    })
    return Object.fromEntries(parts.filter(([, value]) => value !== ABSENT))
  }
  if ('option' in draft && field.kind === 'union') {
    const option = field.options[draft.option]
    return option ? filledOf(option.field(), draft.draft, path, problems) : null
  }
  return null
}

function parsed(field: Field, text: string, path: Path, problems: FieldProblem[]): unknown {
  if (field.kind === 'number') {
    const number = Number(text)
    if (Number.isFinite(number) && (!field.isInteger || Number.isInteger(number))) return number
    problems.push({ path, message: field.isInteger ? 'is no whole number' : 'is no number' })
    return null
  }
  if (field.kind === 'json') {
    try {
      return JSON.parse(text)
    } catch (error) {
      problems.push({ path, message: `is no JSON: ${(error as Error).message}` })
      return null
    }
  }
  if (field.kind !== 'text' || field.format !== 'date-time') return text
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? text : time.toISOString()
}

/** A time as the browser's own field for it has it: in the zone of the user, without saying so. */
function localText(format: string, text: string): string {
  const time = format === 'date-time' ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) return text
  const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19)
}
