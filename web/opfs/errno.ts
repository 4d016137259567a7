/** Errors of a file call, as the numbers that Emscripten's C library expects. */

export const EAGAIN = 6
export const EIO = 29
export const EINVAL = 28
export const ENAMETOOLONG = 37
export const ENFILE = 41
export const ENOENT = 44
export const ENOSPC = 51
export const ENOTEMPTY = 55
export const EPERM = 63
export const EROFS = 69

/** A file call that cannot be done, told by its errno. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly errno: number

  constructor(errno: number) {
    super(`errno ${errno}`)
    this.errno = errno
  }
}

/** Return the errno that tells *error* best: a full disk is told apart, all else is an I/O error. */
export function errnoOf(error: unknown): number {
  if (error instanceof FileError) return error.errno
  return isNamed(error, 'QuotaExceededError') ? ENOSPC : EIO
}

/** Return whether *error* is the exception that the standard calls *name*. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}
