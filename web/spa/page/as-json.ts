/** What is asked, as it crosses to the engine: plain values, whatever an app keeps them in. */

import { DurablyError } from '../../core/errors'
import { reasonOf } from '../bridge/failure'

/** Return *value* as JSON has it, or why it has no such form. A proxy, say, cannot be posted as it is. */
export function asJson<Value>(value: Value): Value | DurablyError {
  try {
    return JSON.parse(JSON.stringify(value, refuse))
  } catch (cause) {
    return notSerializable(cause)
  }
}

/** Say that something cannot be posted. */
export function notSerializable(cause: unknown): DurablyError {
  const message = `what was asked cannot be sent to the engine: ${reasonOf(cause)}`
  return new DurablyError('not_serializable', message, { cause })
}

/** JSON leaves these out without a word. */
function refuse(key: string, value: unknown): unknown {
  if (typeof value !== 'function' && typeof value !== 'symbol') return value
  throw new TypeError(`${key} is a ${typeof value}, which has no JSON form`)
}
