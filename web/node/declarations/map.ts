/** The map by which an editor goes from a name in a declaration to the line of its Python function. */

import { basename } from 'node:path'
import { addMapping, GenMapping, toEncodedMap } from '@jridgewell/gen-mapping'
import type { Place } from './render'

export function declarationMap(pythonFile: string, places: readonly Place[]): string {
  const source = basename(pythonFile)
  const map = new GenMapping({ file: `${source}.d.ts` })
  for (const { line, column, pythonLine, name } of places) {
    addMapping(map, {
      generated: { line, column },
      source,
      original: { line: pythonLine, column: 0 },
      name,
    })
  }
  return JSON.stringify(toEncodedMap(map))
}
