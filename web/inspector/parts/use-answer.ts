/** An answer of the engine, asked for when a view opens and again on demand. */

import { useCallback, useEffect, useState } from 'react'

export interface Answer<Value> {
  /** Null before the first. */
  readonly value: Value | null
  readonly error: unknown
  readonly ask: () => void
}

/** Ask with *question*, which must keep its identity as long as it is the same one. */
export function useAnswer<Value>(question: () => Promise<Value>): Answer<Value> {
  const [answer, setAnswer] = useState<{ value: Value | null; error: unknown }>({
    value: null,
    error: null,
  })
  const [turn, setTurn] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn asks the same question again
  useEffect(() => {
    let isCurrent = true
    question().then(
      (value) => isCurrent && setAnswer({ value, error: null }),
      (error: unknown) => isCurrent && setAnswer(({ value }) => ({ value, error })),
    )
    return () => {
      isCurrent = false
    }
  }, [question, turn])
  return { ...answer, ask: useCallback(() => setTurn((before) => before + 1), []) }
}
