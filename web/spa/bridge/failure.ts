/** Errors on their way to the page, and those that both sides tell. */

import { DurablyError, type ErrorCode, type ErrorPayload } from '../../core/errors'

/** Python's entry marks errors that have a code of their own. */
const MARKED = /durably:(\{.*\})\s*$/s

/** Return *error* as it can cross to the page; *code* is for an error that brings none. */
export function toPayload(error: unknown, code: ErrorCode): ErrorPayload {
  if (error instanceof DurablyError) return error.toPayload()
  const message = reasonOf(error)
  const marked = MARKED.exec(message)?.[1]
  if (marked === undefined) return { code, message: lastLine(message) }
  return JSON.parse(marked) as ErrorPayload
}

/** Return what *error* says. Emscripten throws objects that are no errors, but have a message. */
export function reasonOf(error: unknown): string {
  const message: unknown = Object(error).message
  return typeof message === 'string' ? message : String(error)
}

/** Say why there is no memory snapshot. */
export function notMade(reason: string): ErrorPayload {
  const message = `no memory snapshot was made, boots stay long: ${reason}`
  return new DurablyError('snapshot_unusable', message).toPayload()
}

/** Ends an exhaustive `switch`: what reaches it is a message of another version. */
export function unreachable(value: never): never {
  throw new DurablyError('protocol_violation', `not a message: ${JSON.stringify(value)}`)
}

/** A Python traceback says what happened in its last line. */
function lastLine(text: string): string {
  return text.startsWith('Traceback') ? (text.trimEnd().split('\n').at(-1) ?? text) : text
}
