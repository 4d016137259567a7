/** The time of day as components see it: one timer for all of them, and a render only where a text changes. */

import { useSyncExternalStore } from 'react'
import { Watched } from '../../core/watched'

const TICK = 1000

let timer: ReturnType<typeof setInterval> | null = null

const clock = new Watched<number>(Date.now(), {
  open: () => {
    clock.set(Date.now())
    timer = setInterval(() => clock.set(Date.now()), TICK)
  },
  close: () => {
    if (timer !== null) clearInterval(timer)
    timer = null
  },
})

const still = () => () => undefined

/** Return what *read* makes of the time in milliseconds, anew each second unless *isStill*. */
export function useClock<Value extends string | number>(
  read: (now: number) => Value,
  isStill = false,
): Value {
  const get = () => read(clock.getSnapshot())
  return useSyncExternalStore(isStill ? still : clock.subscribe, get, get)
}
