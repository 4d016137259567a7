/** Turn what a caller gives as a job's input into JSON, with every file in it stored first. */

import { DurablyError } from './errors'
import type { Transport } from './transport'
import type { Json } from './types'

type Path = readonly (string | number)[]

/** A file found in an input, and the object that becomes its reference. */
interface Found {
  readonly file: Blob
  readonly reference: Record<string, Json>
}

/**
 * Return *input* as JSON; each file or byte array in it is stored and replaced by its `BlobRef`.
 *
 * Like `JSON.stringify`, but what has no JSON form is an error that names its path, never a
 * silent null or `{}`. Nothing is stored unless the whole input can be encoded.
 */
export async function encodeInput(input: unknown, putBlob: Transport['putBlob']): Promise<Json> {
  const files: Found[] = []
  const json = encode(input, [], [], files)
  for (const { file, reference } of files) {
    const name = file instanceof File ? file.name : undefined
    Object.assign(reference, await putBlob(file, name))
  }
  return json
}

function encode(value: unknown, path: Path, parents: readonly object[], files: Found[]): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : refuse(String(value), path)
    case 'undefined':
      return null
    case 'object':
      return value === null ? null : encodeObject(value, path, parents, files)
    default:
      return refuse(`a ${typeof value}`, path)
  }
}

function encodeObject(value: object, path: Path, parents: readonly object[], files: Found[]): Json {
  const file = asFile(value)
  if (file !== null) {
    const reference = {}
    files.push({ file, reference })
    return reference
  }
  if (parents.includes(value)) return refuse('an object that contains itself', path)
  const within = [...parents, value]
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return encode(value.toJSON(), path, within, files)
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => encode(item, [...path, index], within, files))
  }
  if (!isPlain(value)) return refuse(`a ${value.constructor.name}`, path)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, encode(item, [...path, key], within, files)]),
  )
}

/** Return what stands for bytes as a file, or null for any other value. */
function asFile(value: object): Blob | null {
  if (value instanceof Blob) return value
  const isBytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value)
  return isBytes ? new Blob([value as BlobPart]) : null
}

/** True for object literals, also those of another window, and for objects without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function refuse(what: string, path: Path): never {
  const place = ['input', ...path].join('.')
  throw new DurablyError('not_serializable', `${place} is ${what}, which has no JSON form`, {
    problems: [{ path, message: `${what} has no JSON form` }],
  })
}
