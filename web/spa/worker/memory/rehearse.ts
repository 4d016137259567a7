/** Shows the browser what an engine does most, so that it keeps that code well compiled for later visits. */

import type { Python } from '../python/pyodide'

const REHEARSAL = 'durably.browser.rehearsal'

/** Milliseconds that Chromium waits for more well compiled code before it stores what there is, and some. */
const REST = 3_000

/** Let *python*, which nobody else uses, do what engines do, and rest until that has its effect. */
export async function rehearse(python: Python): Promise<void> {
  const rehearsal = python.import(REHEARSAL)
  try {
    await rehearsal.rehearse()
  } finally {
    rehearsal.destroy()
  }
  await new Promise((rested) => setTimeout(rested, REST))
}
