// Made by durably-py from features.py: edit that file, not this one.
import type { BlobRef, JobRef, Json, QueryRef } from 'durably-py'

/** Take every kind of field. */
export declare const fields: JobRef<'fields', FieldsInput, FieldsOutput>

export declare const discriminated: JobRef<'discriminated', (CatInput | DogInput), (CatOutput | DogOutput)[]>

export declare const recursive: JobRef<'recursive', NodeInput, NodeOutput>

export declare const tuples: JobRef<'tuples', [number, string], boolean[]>

export declare const dicts: JobRef<'dicts', {
  [k: string]: number
}, {
  [k: string]: string[]
}>

export declare const times: JobRef<'times', Times, Times>

export declare const kept: JobRef<'kept', KeptInput, KeptOutput>

export declare const generic: JobRef<'generic', PageInt, PageCat>

export declare const aliased: JobRef<'aliased', Aliased, Aliased>

export declare const rootModel: JobRef<'root-model', Words, Words>

export declare const computed: JobRef<'computed', BoxInput, BoxOutput>

export declare const closed: JobRef<'closed', Closed, Open>

export declare const fromDataclass: JobRef<'from-dataclass', PointInput, PointOutput>

export declare const typedDict: JobRef<'typed-dict', Options, Options>

export declare const namedTuple: JobRef<'named-tuple', Pair, Pair>

export declare const plain: JobRef<'plain', number, (string | null)>

export declare const ambiguous: JobRef<'ambiguous', string, (string | {
  $type: "bytes"
  value: string
} | {
  $type: "str"
  value: string
})>

export declare const lookalikes: JobRef<'lookalikes', (Closed | Open), (Closed | Open | {
  $type: "Closed"
  value: Closed
} | {
  $type: "Open"
  value: Open
})>

export declare const secret: JobRef<'secret', string, number>

export declare const nothing: JobRef<'nothing', null, null>

export declare const untyped: JobRef<'untyped', unknown, Json>

export declare const withDefault: JobRef<'has-a-default', number | null, number>

/** Ask for nothing. */
export declare const deleteNothing: QueryRef<'delete-nothing', FieldsInput, string[]>

export declare const ask: QueryRef<'ask', null, Color[]>

/**
 * A colour.
 */
export type Color = ("red" | "green")

export type Level = (1 | 2)

export type Words = string[]

/**
 * @minItems 2
 * @maxItems 2
 */
export type Pair = [number, string]

/**
 * Fields of every kind.
 *
 * A line of more, with a * / in it.
 */
export interface FieldsInput {
  /**
   * It has to be there.
   */
  needed: string
  optional?: (number | null)
  default?: boolean
  literal?: ("a" | "b")
  color?: Color
  level?: Level
  anything?: unknown
  limited?: number[]
}

/**
 * Fields of every kind.
 *
 * A line of more, with a * / in it.
 */
export interface FieldsOutput {
  /**
   * It has to be there.
   */
  needed: string
  optional: (number | null)
  default: boolean
  literal: ("a" | "b")
  color: Color
  level: Level
  anything: unknown
  limited: number[]
}

export interface CatInput {
  kind?: "cat"
  lives: number
}

export interface DogInput {
  kind?: "dog"
  name: string
}

export interface CatOutput {
  kind: "cat"
  lives: number
}

export interface DogOutput {
  kind: "dog"
  name: string
}

export interface NodeInput {
  value: number
  children?: NodeInput[]
}

export interface NodeOutput {
  value: number
  children: NodeOutput[]
}

export interface Times {
  day: string
  moment: string
  clock: string
  span: string
}

export interface KeptInput {
  data: string
  amount: (number | string)
  id: string
  file: BlobRef
  files?: BlobRef[]
}

export interface KeptOutput {
  data: string
  amount: string
  id: string
  file: BlobRef
  files: BlobRef[]
}

export interface PageInt {
  items: number[]
  total: number
}

export interface PageCat {
  items: CatOutput[]
  total: number
}

export interface Aliased {
  firstName: string
  "my-field": number
}

export interface BoxInput {
  width: number
  height: number
}

export interface BoxOutput {
  width: number
  height: number
  /**
   * How much it covers.
   */
  area: number
}

export interface Closed {
  x: number
}

export interface Open {
  x: number
  [k: string]: unknown
}

export interface PointInput {
  x: number
  y?: number
}

export interface PointOutput {
  x: number
  y: number
}

export interface Options {
  verbose?: boolean
  depth?: number
}
//# sourceMappingURL=features.py.d.ts.map
