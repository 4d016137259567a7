/** Calls what an app gave. What it throws is the app's fault: it is reported, and stops nothing here. */
export function told<A extends readonly unknown[]>(
  callback: ((...args: A) => void) | undefined,
  ...args: A
): void {
  try {
    callback?.(...args)
  } catch (error) {
    // Uncaught, so that it reaches the page's `error` event and the console.
    queueMicrotask(() => {
      throw error
    })
  }
}
