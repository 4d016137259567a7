/** A job's name together with the types of what it takes and gives. */

import type { BlobRef } from './types'

declare const types: unique symbol

/** A typed job name. At runtime it is `{ name }` and nothing else. */
export interface JobRef<Name extends string = string, Input = unknown, Output = unknown> {
  readonly name: Name
  readonly [types]?: { readonly input: Input; readonly output: Output }
}

/** Name a job and its types: `defineJobRef<'import-csv', ImportInput, ImportResult>('import-csv')`. */
export function defineJobRef<Name extends string, Input, Output>(
  name: Name,
): JobRef<Name, Input, Output> {
  return { name }
}

/** A typed name of a function that the app registered with `@query`. At runtime it is `{ name }`. */
export interface QueryRef<Name extends string = string, Input = unknown, Output = unknown> {
  readonly name: Name
  readonly [types]?: { readonly asks: Input; readonly answers: Output }
}

/** Name a query and its types; a bundler's plugin does so for each `@query` function. */
export function defineQueryRef<Name extends string, Input, Output>(
  name: Name,
): QueryRef<Name, Input, Output> {
  return { name }
}

/** The name of what is given by its name or by a reference. */
export function nameOf(given: string | { readonly name: string }): string {
  return typeof given === 'string' ? given : given.name
}

/** *Input* as a caller may give it: a file or its bytes stand wherever the job takes a `BlobRef`. */
export type TriggerInput<Input> = Input extends BlobRef
  ? Input | Blob | ArrayBuffer | ArrayBufferView
  : Input extends object
    ? { readonly [Key in keyof Input]: TriggerInput<Input[Key]> }
    : Input
