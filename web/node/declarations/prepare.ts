/** Turn pydantic's JSON Schema (2020-12) into one that json-schema-to-typescript reads rightly. */

import type { Schema } from '../python/protocol'

/** Keywords whose values are data, not schemas. */
const DATA = new Set(['default', 'enum', 'const', 'required', 'examples', 'x-durably'])
/** Keywords whose values are schemas by name. */
const BY_NAME = new Set(['properties', '$defs', 'patternProperties'])
/** What a type cannot say, and a reader of the type does not miss. */
const DROPPED = new Set([
  'discriminator',
  'readOnly',
  'writeOnly',
  'pattern',
  'format',
  'uniqueItems',
  'contentMediaType',
  'contentEncoding',
  'contentSchema',
  'multipleOf',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
])

export function prepare(schema: Schema): Schema {
  if (schema['x-durably'] === 'blob') return { tsType: 'BlobRef' }
  const made: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    // Every field has one, and each would become a type of its own.
    if (key === 'title' || DROPPED.has(key)) continue
    if (DATA.has(key)) made[key] = value
    else if (BY_NAME.has(key)) made[key] = eachOf(value as Record<string, Schema>)
    else if (key === 'prefixItems') {
      made.items = (value as Schema[]).map(prepare)
      made.additionalItems = false
    } else if (key === 'minItems' || key === 'maxItems') {
      // Of a plain list they would become a union of tuples.
      if ('prefixItems' in schema) made[key] = value
    } else made[key] = prepared(value)
  }
  return isEmpty(made) ? { ...made, tsType: 'unknown' } : made
}

function eachOf(schemas: Readonly<Record<string, Schema>>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, prepare(one)]))
}

function prepared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prepared)
  return typeof value === 'object' && value !== null ? prepare(value as Schema) : value
}

function isEmpty(schema: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(schema).every((key) => key === 'description' || key === 'default')
}
