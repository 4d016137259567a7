/** Fetches the app's own files, and tells an answer from none. */

import { DurablyError } from '../../../core/errors'

/** A file did not come, and may at the next try: the network is away, or the server is. */
export class OutOfReach extends DurablyError {
  constructor(message: string, options?: ErrorOptions) {
    super('boot_failed', message, options)
  }
}

/** Statuses below 500 that say "later", not "no". */
const LATER: readonly number[] = [408, 425, 429]

type Fetch = typeof globalThis.fetch

/** Return the bytes of *url*; OutOfReach when another try may bring them. */
export async function fetchBytes(
  url: string,
  options: RequestInit = {},
  fetch: Fetch = globalThis.fetch,
): Promise<ArrayBuffer> {
  let status: number
  try {
    const response = await fetch(url, options)
    // The body can break off, too.
    if (response.ok) return await response.arrayBuffer()
    status = response.status
  } catch (cause) {
    throw new OutOfReach(`${url} could not be loaded`, { cause })
  }
  const message = `${url} answered ${status}`
  if (status >= 500 || LATER.includes(status)) throw new OutOfReach(message)
  throw new DurablyError('boot_failed', message)
}
