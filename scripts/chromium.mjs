/** The Chromium that `scripts/setup.mjs --browser` chose. */

import { existsSync, readFileSync } from 'node:fs'
import { chromiumRecord } from './paths.mjs'

/** @returns {string} */
export function chromiumPath() {
  if (!existsSync(chromiumRecord)) {
    throw new Error('no Chromium is set up for the browser tests: run `npm run setup`')
  }
  return JSON.parse(readFileSync(chromiumRecord, 'utf8')).path
}
