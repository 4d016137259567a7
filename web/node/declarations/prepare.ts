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

/** Whether *schema* is that of a kept file, in whose place a page may give the file itself. */
export const isBlob = (schema: Schema): boolean => schema['x-durably'] === 'blob'

/** *blobs* are the references to schemas of kept files. */
export function prepare(schema: Schema, blobs: ReadonlySet<string>): Schema {
  const { $ref, description } = schema
  if (typeof $ref === 'string') {
    const type = blobs.has($ref) ? { tsType: 'BlobRef' } : { $ref }
    // With anything beside it, a reference would become a type of its own.
    return description === undefined ? type : { allOf: [type], description }
  }
  const prepared = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(prepared)
    return typeof value === 'object' && value !== null ? prepare(value as Schema, blobs) : value
  }
  const made: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(schema)) {
    // Every field has one, and each would become a type of its own.
    if (key === 'title' || DROPPED.has(key)) continue
    if (DATA.has(key)) made[key] = value
    else if (BY_NAME.has(key)) {
      const named = Object.entries(value as Record<string, Schema>)
      made[key] = Object.fromEntries(named.map(([name, one]) => [name, prepare(one, blobs)]))
    } else if (key === 'prefixItems') {
      made.items = prepared(value)
      made.additionalItems = false
    } else if (key === 'minItems' || key === 'maxItems') {
      // Of a plain list they would become a union of tuples.
      if ('prefixItems' in schema) made[key] = value
    } else made[key] = prepared(value)
  }
  return isEmpty(made) ? { ...made, tsType: 'unknown' } : made
}

function isEmpty(schema: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(schema).every((key) => key === 'description' || key === 'default')
}
