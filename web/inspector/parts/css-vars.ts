/** Sizes that are computed, set through the CSSOM: a strict Content-Security-Policy refuses `style` in markup. */

import { type RefCallback, useCallback } from 'react'

/** Return the `ref` of an element whose custom property *name* is *pixels*. */
export function usePixels(name: `--${string}`, pixels: number): RefCallback<HTMLElement> {
  return useCallback((element) => element?.style.setProperty(name, `${pixels}px`), [name, pixels])
}
