/** Randomness that a seed repeats. */

/** Return a function of numbers in [0, 1) that depends on *seed* only (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed in *variable*, or a new one, printed so that a failure can be repeated. */
export function seedFrom(variable: string): number {
  const seed = Number(process.env[variable] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`  ${variable}=${seed}`)
  return seed
}
