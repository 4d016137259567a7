/** The Firefox of this machine, for the tests that also run in it. */

import { existsSync } from 'node:fs'
import { ask } from './setup/run.mjs'

const NAMES = [
  'firefox-esr',
  'firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
  'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
]

/** @returns {string | null} its path; null where there is none. */
export function firefoxPath() {
  for (const name of [process.env.DURABLY_FIREFOX, ...NAMES]) {
    const path = name && (/[/\\]/.test(name) ? name : ask('which', [name]))
    // A snap's stub is there without a Firefox behind it.
    if (path && existsSync(path) && ask(path, ['--version'])?.includes('Firefox')) return path
  }
  return null
}
