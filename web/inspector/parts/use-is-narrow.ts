/** Whether an element is too narrow for columns. */

import { type RefObject, useEffect, useState } from 'react'

/** As the styles have it: `@container (width < 720px)`. */
const NARROW = 720

export function useIsNarrow(element: RefObject<HTMLElement | null>): boolean {
  const [isNarrow, setNarrow] = useState(false)
  useEffect(() => {
    if (element.current === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setNarrow(entry.contentRect.width < NARROW)
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return isNarrow
}
