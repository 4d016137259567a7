/** One error class for everything that can go wrong; its `code` is stable, its message is for people. */

/** Codes this side makes itself. Codes of the Python engine pass through unchanged. */
export type ClientErrorCode =
  | 'aborted'
  | 'blob_failed'
  | 'boot_failed'
  | 'closed'
  | 'not_durable'
  | 'not_supported'
  | 'opfs_locked'
  | 'opfs_unavailable'
  | 'owner_silent'
  | 'protocol_violation'
  | 'provider_missing'
  | 'quota_exceeded'
  | 'run_cancelled'
  | 'run_failed'
  | 'snapshot_unusable'
  | 'too_many_files'
  | 'wait_timeout'
  | 'worker_crashed'

/** Codes of the Python engine's error tree (`py/durably/errors.py`). */
export type EngineErrorCode =
  | 'cancelled_inside'
  | 'conflict'
  | 'duplicate_step'
  | 'exited'
  | 'import_refused'
  | 'internal'
  | 'missing_extra'
  | 'not_found'
  | 'not_serializable'
  | 'recovery_limit'
  | 'replay_mismatch'
  | 'schema_too_new'
  | 'signal_mismatch'
  | 'stopped'
  | 'storage_busy'
  | 'storage_denied'
  | 'storage_full'
  | 'storage_io'
  | 'storage_replaced'
  | 'storage_unreachable'
  | 'storage_unreadable'
  | 'storage_unsupported'
  | 'timeout'
  | 'unknown_job'
  | 'validation'
  | 'wait_expired'

export type ErrorCode = ClientErrorCode | EngineErrorCode

/** One field that broke a schema: its path in the input and what is wrong with it. */
export interface FieldProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** An error as it crosses a thread or a network. */
export interface ErrorPayload {
  readonly code: ErrorCode
  readonly message: string
  readonly problems?: readonly FieldProblem[]
}

export class DurablyError extends Error {
  override readonly name = 'DurablyError'
  readonly code: ErrorCode
  readonly problems: readonly FieldProblem[]

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { readonly problems?: readonly FieldProblem[] },
  ) {
    super(message, options)
    this.code = code
    this.problems = options?.problems ?? []
  }

  static from(payload: ErrorPayload): DurablyError {
    return new DurablyError(payload.code, payload.message, { problems: payload.problems ?? [] })
  }

  toPayload(): ErrorPayload {
    const { code, message, problems } = this
    return problems.length > 0 ? { code, message, problems } : { code, message }
  }
}

/** What was thrown, as the error that everything here is told as. */
export function toDurablyError(cause: unknown): DurablyError {
  if (cause instanceof DurablyError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return new DurablyError('internal', message, { cause })
}
