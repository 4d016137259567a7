/** Options that are written anew at each render are the same as long as they say the same. */

import { useMemo } from 'react'

/** Return the first of all values in a row that are written alike as JSON. */
export function useStable<Value>(value: Value): Value {
  const text = JSON.stringify(value)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text stands for the value
  return useMemo(() => value, [text])
}
