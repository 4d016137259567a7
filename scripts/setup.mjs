/**
 * Bring a fresh clone to where every verb works. Idempotent: with everything in place it reads a few
 * files and starts no process. `--browser` also finds a Chromium for the tests, `--firefox` a Firefox.
 */

import { setUpBrowser } from './setup/browser.mjs'
import { setUpFirefox } from './setup/firefox.mjs'
import { setUpNodeModules } from './setup/node-modules.mjs'
import { setUpPython } from './setup/python.mjs'
import { SetupError } from './setup/run.mjs'
import { setUpWheels } from './setup/wheels.mjs'

try {
  setUpNodeModules()
  setUpPython()
  setUpWheels()
  if (process.argv.includes('--browser')) await setUpBrowser()
  if (process.argv.includes('--firefox')) setUpFirefox()
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  console.error(`\nsetup: ${error.message}`)
  process.exit(1)
}
