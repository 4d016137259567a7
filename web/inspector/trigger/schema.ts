/** A JSON Schema, as pydantic writes it, read as a form. Pure. */

import type { Json } from '../../core/index'

export type Schema = { readonly [key: string]: Json }

/** What leaving a field empty means: nothing can, no entry at all, or null. */
export type Empty = 'refused' | 'absent' | 'null'

interface Base {
  readonly title: string
  readonly description: string
  readonly empty: Empty
  /** Undefined without one. */
  readonly preset: Json | undefined
}

export interface TextField extends Base {
  readonly kind: 'text'
  readonly format: string
  readonly pattern: string | undefined
  readonly minLength: number | undefined
  readonly maxLength: number | undefined
}

export interface NumberField extends Base {
  readonly kind: 'number'
  readonly isInteger: boolean
  readonly min: number | undefined
  readonly max: number | undefined
  /** In words, where a bound itself is not allowed. */
  readonly bounds: string
}

export interface ListField extends Base {
  readonly kind: 'list'
  readonly item: Field
  readonly minItems: number
  readonly maxItems: number
}

export interface ObjectField extends Base {
  readonly kind: 'object'
  /** Read when it is asked for: a schema may contain itself. */
  readonly properties: () => readonly Property[]
}

export interface Property {
  readonly key: string
  readonly field: Field
}

export interface UnionField extends Base {
  readonly kind: 'union'
  readonly options: readonly { readonly label: string; readonly field: () => Field }[]
}

export type Field =
  | TextField
  | NumberField
  | ListField
  | ObjectField
  | UnionField
  | (Base & { readonly kind: 'boolean' | 'file' | 'nothing' | 'json' })
  | (Base & { readonly kind: 'choice'; readonly values: readonly Json[] })

/** Read *schema*, which may be what a job says of its input. */
export function fieldOf(schema: Json, empty: Empty = 'refused', root = asSchema(schema)): Field {
  return read(asSchema(schema), empty, root)
}

function read(given: Schema, empty: Empty, root: Schema, title = ''): Field {
  const schema = resolved(given, root)
  const base: Base = {
    title: textOf(given.title) || title || textOf(schema.title),
    description: textOf(given.description) || (given === schema ? '' : textOf(schema.description)),
    empty,
    preset: given.default ?? schema.default,
  }
  const options = optionsOf(schema, root)
  if (options !== null) return readOptions(schema, options, base, root)
  const values = valuesOf(schema)
  if (values !== null) return { ...base, kind: 'choice', values }
  if (schema['x-durably'] === 'blob') return { ...base, description: '', kind: 'file' }
  switch (schema.type) {
    case 'string':
      return readText(schema, base)
    case 'integer':
    case 'number':
      return readNumber(schema, base)
    case 'boolean':
      return { ...base, kind: 'boolean' }
    case 'null':
      return { ...base, kind: 'nothing' }
    case 'array':
      return readList(schema, base, root)
    case 'object':
      return readObject(schema, base, root)
    default:
      return { ...base, kind: 'json' }
  }
}

function optionsOf(schema: Schema, root: Schema): readonly Schema[] | null {
  const options = schema.anyOf ?? schema.oneOf
  return Array.isArray(options) ? options.map((option) => resolved(asSchema(option), root)) : null
}

function readOptions(schema: Schema, options: readonly Schema[], base: Base, root: Schema): Field {
  const others = options.filter(({ type }) => type !== 'null')
  const empty = others.length < options.length && base.empty !== 'absent' ? 'null' : base.empty
  const [only] = others
  const preset = base.preset
  if (others.length === 1 && only) {
    const field = read(
      { ...only, ...(preset === undefined ? {} : { default: preset }) },
      empty,
      root,
    )
    const description = base.description || field.description
    return { ...field, description, title: base.title || field.title }
  }
  const choices = others.map(valuesOf)
  if (choices.every((values) => values !== null)) {
    return { ...base, empty, kind: 'choice', values: choices.flat() }
  }
  const tag = textOf(asSchema(schema.discriminator ?? {}).propertyName)
  return {
    ...base,
    empty,
    kind: 'union',
    options: others.map((option, index) => ({
      label: labelOf(option, tag) || `Option ${index + 1}`,
      field: () => read(option, 'refused', root),
    })),
  }
}

function labelOf(option: Schema, tag: string): string {
  const tagged = asSchema(asSchema(option.properties ?? {})[tag] ?? {})
  if (tag !== '' && tagged.const !== undefined) return String(tagged.const)
  return textOf(option.title) || textOf(option.format) || textOf(option.type)
}

function valuesOf(schema: Schema): readonly Json[] | null {
  if (Array.isArray(schema.enum)) return schema.enum
  return schema.const === undefined ? null : [schema.const]
}

function readText(schema: Schema, base: Base): Field {
  return {
    ...base,
    kind: 'text',
    format: textOf(schema.format),
    pattern: textOf(schema.pattern) || undefined,
    minLength: numberOf(schema.minLength),
    maxLength: numberOf(schema.maxLength),
  }
}

function readNumber(schema: Schema, base: Base): Field {
  const isInteger = schema.type === 'integer'
  const [above, below] = [numberOf(schema.exclusiveMinimum), numberOf(schema.exclusiveMaximum)]
  const bounds = [
    above === undefined ? '' : `more than ${above}`,
    below === undefined ? '' : `less than ${below}`,
  ]
  return {
    ...base,
    kind: 'number',
    isInteger,
    min: numberOf(schema.minimum) ?? (isInteger && above !== undefined ? above + 1 : above),
    max: numberOf(schema.maximum) ?? (isInteger && below !== undefined ? below - 1 : below),
    bounds: bounds.filter((bound) => bound !== '').join(', '),
  }
}

function readList(schema: Schema, base: Base, root: Schema): Field {
  // The places of a tuple differ from each other.
  if (schema.prefixItems !== undefined || schema.items === undefined) {
    return { ...base, kind: 'json' }
  }
  return {
    ...base,
    kind: 'list',
    item: read(asSchema(schema.items), 'refused', root),
    minItems: numberOf(schema.minItems) ?? 0,
    maxItems: numberOf(schema.maxItems) ?? Number.POSITIVE_INFINITY,
  }
}

function readObject(schema: Schema, base: Base, root: Schema): Field {
  const { properties } = schema
  // Keys of the user's own choice have no place in a form.
  if (properties === undefined) return { ...base, kind: 'json' }
  const required = Array.isArray(schema.required) ? schema.required : []
  return {
    ...base,
    kind: 'object',
    properties: () =>
      Object.entries(asSchema(properties)).map(([key, property]) => ({
        key,
        field: read(asSchema(property), required.includes(key) ? 'refused' : 'absent', root, key),
      })),
  }
}

/** What a schema refers to, with what stands beside the reference. */
function resolved(schema: Schema, root: Schema): Schema {
  let found = schema
  for (let depth = 0; typeof found.$ref === 'string' && depth < 20; depth += 1) {
    const { $ref, ...beside } = found
    let target: Json | undefined = root
    for (const part of String($ref).split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      target = asSchema(target ?? {})[key]
    }
    found = { ...asSchema(target ?? {}), ...beside }
  }
  return found
}

function asSchema(value: Json): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Schema)
    : {}
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
