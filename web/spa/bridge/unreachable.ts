/** Ends an exhaustive `switch`: what reaches it is a message of another version. */

import { DurablyError } from '../../core/errors'

export function unreachable(value: never): never {
  throw new DurablyError('protocol_violation', `not a message: ${JSON.stringify(value)}`)
}
