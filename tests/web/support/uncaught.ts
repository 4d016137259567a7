import { vi } from 'vitest'

/** Collect what microtasks throw from now on; uncaught, it would fail the test. `vi.restoreAllMocks` ends it. */
export function collectUncaught(): readonly unknown[] {
  const thrown: unknown[] = []
  const queue = globalThis.queueMicrotask
  vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((work) =>
    queue(() => {
      try {
        work()
      } catch (error) {
        thrown.push(error)
      }
    }),
  )
  return thrown
}
