/** Web Locks, held until they are given back. */

/**
 * Wait for the exclusive lock *name*; resolve with how to give it back. It is given back, too,
 * when the page or worker that holds it ends, however it ends. Rejects when *signal* aborts.
 */
export function holdLock(name: string, signal?: AbortSignal): Promise<() => void> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, signal ? { signal } : {}, () => new Promise<void>(resolve))
      .catch(reject)
  })
}
