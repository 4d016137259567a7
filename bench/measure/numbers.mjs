/** What rows have in common. */

/** `--scale` as a number: each count is multiplied by it, to try a row in no time. */
let scale = 1

export function setScale(factor) {
  scale = factor
}

export function scaled(count) {
  return Math.max(2, Math.round(count * scale))
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
