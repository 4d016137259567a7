/** Debian's Firefox for the tests, where it can be had; they do without where it cannot. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { firefoxPath } from '../firefox.mjs'
import { at } from '../paths.mjs'
import { aptInstall, say } from './run.mjs'

/** Says that it was looked for: a machine without one is not asked again each time. */
const RECORD = at('.cache', 'firefox.json')

export function setUpFirefox() {
  if (existsSync(RECORD)) return
  const path = firefoxPath() ?? (aptInstall('firefox-esr') ? firefoxPath() : null)
  say(path ? `Firefox tests use ${path}` : 'there is no Firefox, so nothing is tested in it')
  mkdirSync(dirname(RECORD), { recursive: true })
  writeFileSync(RECORD, `${JSON.stringify({ path })}\n`)
}
