import { DurablyError, type ErrorPayload } from '../../core/errors'

/** Say why there is no memory snapshot. */
export function notMade(reason: string): ErrorPayload {
  const message = `no memory snapshot was made, boots stay long: ${reason}`
  return new DurablyError('snapshot_unusable', message).toPayload()
}
