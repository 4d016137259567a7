/** Let everything that is already under way be delivered. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
