/** A JSON Schema as pydantic writes it, as a form and back as an input. */

import { describe, expect, test } from 'vitest'
import type { Json } from '../../../web/core/index'
import {
  type Draft,
  draftOf,
  inputOf,
  type ObjectDraft,
  start,
} from '../../../web/inspector/trigger/draft'
import { keyOf, landed } from '../../../web/inspector/trigger/landing'
import { type Field, fieldOf } from '../../../web/inspector/trigger/schema'

/** A model with one property. */
function model(property: Json, required = true, defs: Json = {}): Json {
  return {
    $defs: defs,
    type: 'object',
    properties: { it: property },
    required: required ? ['it'] : [],
  }
}

/** Fill in `it` and say what comes of it. */
function filled(schema: Json, fill?: (field: Field, before: Draft) => Draft): unknown {
  const field = fieldOf(schema)
  if (field.kind !== 'object') throw new Error(`this is ${field.kind}`)
  const draft = draftOf(field) as ObjectDraft
  const [part] = field.properties()
  if (part === undefined) throw new Error('there is no property')
  const it = draft.parts.it ?? null
  return inputOf(field, { parts: { it: fill === undefined ? it : fill(part.field, it) } })
}

const typed = (text: string) => () => text

describe('leaves', () => {
  test.each<[string, Json, string, unknown]>([
    ['a text', { type: 'string' }, 'zoë', 'zoë'],
    ['an empty text that must be given', { type: 'string' }, '', ''],
    ['a whole number', { type: 'integer' }, '12', 12],
    ['a number', { type: 'number' }, '1e-3', 0.001],
    ['a date', { type: 'string', format: 'date' }, '2026-02-03', '2026-02-03'],
    ['JSON', {}, '{"a": [1]}', { a: [1] }],
    [
      'a time with its zone',
      { type: 'string', format: 'date-time' },
      '2026-02-03T04:05:06',
      new Date(2026, 1, 3, 4, 5, 6).toISOString(),
    ],
  ])('%s', (_, schema, text, value) => {
    expect(filled(model(schema), typed(text))).toEqual({ input: { it: value } })
  })

  test('a boolean is false unless its default says otherwise', () => {
    expect(filled(model({ type: 'boolean' }))).toEqual({ input: { it: false } })
    expect(filled(model({ type: 'boolean', default: true }, false))).toEqual({
      input: { it: true },
    })
  })

  test.each<[string, Json, unknown]>([
    ['enum', { enum: ['x', 'y', 3] }, 3],
    ['const', { const: 'only' }, 'only'],
  ])('a choice of %s', (_, schema, value) => {
    const choose = (field: Field) => (field.kind === 'choice' ? field.values.length - 1 : null)
    expect(filled(model(schema), choose)).toEqual({ input: { it: value } })
  })

  test('a file is given as it is', () => {
    const file = new File(['a'], 'a.txt')
    const blob = { $ref: '#/$defs/Blob' }
    const defs = { Blob: { type: 'object', properties: {}, 'x-durably': 'blob' } }
    expect(filled(model(blob, true, defs), () => file)).toEqual({ input: { it: file } })
  })

  test('bounds, patterns and lengths are on the field', () => {
    const [number, text] = [
      fieldOf({ type: 'integer', exclusiveMinimum: 0, maximum: 9 }),
      fieldOf({ type: 'string', pattern: '^a', minLength: 1, maxLength: 4, description: 'Words.' }),
    ]
    expect(number).toMatchObject({ min: 1, max: 9, bounds: 'more than 0' })
    expect(text).toMatchObject({ pattern: '^a', minLength: 1, maxLength: 4, description: 'Words.' })
  })

  test.each<[string, Json, string, string]>([
    ['no number', { type: 'number' }, 'many', 'is no number'],
    ['a broken number', { type: 'integer' }, '1.5', 'is no whole number'],
    ['nothing', { type: 'integer' }, '', 'has to be given'],
  ])('%s is a problem at its place', (_, schema, text, message) => {
    expect(filled(model(schema), typed(text))).toEqual({ problems: [{ path: ['it'], message }] })
  })
})

describe('what may be left out', () => {
  test('an optional field without an entry is absent', () => {
    expect(filled(model({ type: 'string' }, false), typed(''))).toEqual({ input: {} })
  })

  test('a nullable one is null', () => {
    const nullable = { anyOf: [{ type: 'integer' }, { type: 'null' }] }
    expect(filled(model(nullable), typed(''))).toEqual({ input: { it: null } })
    expect(filled(model(nullable), typed('4'))).toEqual({ input: { it: 4 } })
  })

  test('a default is there at first', () => {
    const schema = model({ anyOf: [{ type: 'number' }, { type: 'null' }], default: 2.5 }, false)
    expect(filled(schema)).toEqual({ input: { it: 2.5 } })
  })

  test('a model can be left out, and begins with its own defaults', () => {
    const defs = { Inner: { type: 'object', properties: { a: { type: 'integer', default: 7 } } } }
    const schema = model({ $ref: '#/$defs/Inner' }, false, defs)
    expect(filled(schema)).toEqual({ input: {} })
    expect(filled(schema, start)).toEqual({ input: { it: { a: 7 } } })
  })
})

describe('fields in fields', () => {
  test('a list', () => {
    const schema = model({ type: 'array', items: { type: 'integer' }, default: [1, 2] }, false)
    expect(filled(schema)).toEqual({ input: { it: [1, 2] } })
    expect(filled(model({ type: 'array', items: { type: 'string' }, minItems: 2 }))).toEqual({
      input: { it: ['', ''] },
    })
  })

  test('a model that contains itself', () => {
    const node = {
      type: 'object',
      properties: {
        value: { type: 'integer' },
        next: { anyOf: [{ $ref: '#/$defs/Node' }, { type: 'null' }], default: null },
      },
      required: ['value'],
    }
    const fill = () => ({ parts: { value: '1', next: { parts: { value: '2', next: null } } } })
    expect(filled(model({ $ref: '#/$defs/Node' }, true, { Node: node }), fill)).toEqual({
      input: { it: { value: 1, next: { value: 2 } } },
    })
  })

  const defs = {
    Cat: {
      type: 'object',
      title: 'Cat',
      properties: { kind: { const: 'cat' }, lives: { type: 'integer', default: 9 } },
      required: ['kind'],
    },
    Dog: {
      type: 'object',
      title: 'Dog',
      properties: { kind: { const: 'dog' }, name: { type: 'string' } },
      required: ['kind', 'name'],
    },
  }
  const pet = {
    oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
    discriminator: { propertyName: 'kind' },
  }

  test('a discriminated union has its tag by itself', () => {
    expect(filled(model(pet, true, defs))).toEqual({ input: { it: { kind: 'cat', lives: 9 } } })
    const dog = () => ({ option: 1, draft: { parts: { kind: 0, name: 'rex' } } })
    expect(filled(model(pet, true, defs), dog)).toEqual({
      input: { it: { kind: 'dog', name: 'rex' } },
    })
  })

  test('its options are named by their tags; its default chooses one', () => {
    const field = fieldOf({ ...pet, $defs: defs, default: { kind: 'dog', name: 'rex' } })
    if (field.kind !== 'union') throw new Error(field.kind)
    expect(field.options.map(({ label }) => label)).toEqual(['cat', 'dog'])
    expect(inputOf(field, draftOf(field))).toEqual({ input: { kind: 'dog', name: 'rex' } })
  })

  test('a union of plain types', () => {
    const schema = model({ anyOf: [{ type: 'integer' }, { type: 'string' }], default: 'a' }, false)
    expect(filled(schema)).toEqual({ input: { it: 'a' } })
  })

  test.each<[string, Json]>([
    ['a mapping', { type: 'object', additionalProperties: { type: 'integer' } }],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'integer' }] }],
    ['what is not known', { not: {} }],
  ])('%s is written as JSON', (_, schema) => {
    expect(fieldOf(schema).kind).toBe('json')
  })

  test('a job without input takes null', () => {
    const field = fieldOf({ type: 'null' })
    expect(inputOf(field, draftOf(field))).toEqual({ input: null })
  })

  test('a problem of the engine lands at the innermost field that is shown', () => {
    const field = fieldOf(model(pet, true, defs))
    const draft = draftOf(field)
    const shown = landed(field, draft, [
      { path: ['it', 'cat', 'lives'], message: 'is too many' },
      { path: ['it', 'lives', 0], message: 'is no list' },
      { path: ['unheard'], message: 'is not allowed' },
      { path: [], message: 'is odd' },
    ])
    expect(Object.fromEntries(shown)).toEqual({
      [keyOf(['it', 'lives'])]: ['is too many', '0: is no list'],
      [keyOf([])]: ['unheard: is not allowed', 'is odd'],
    })
  })
})
