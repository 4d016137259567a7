/** `npm ci`, unless what npm wrote down about node_modules already agrees with the lock file. */

import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { at, root } from '../paths.mjs'
import { run, SetupError, say } from './run.mjs'

/** What Vite asks for. */
const isNewEnough = (major, minor) =>
  (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22

export function setUpNodeModules() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (!isNewEnough(major, minor)) {
    throw new SetupError(
      `Node 20.19, or 22.12 or newer, is needed; this is ${process.versions.node}.`,
    )
  }
  install(root)
  // The original, for the tests of interoperation. It needs no compiler as long as no script runs.
  install(at('tests', 'interop'), '--ignore-scripts')
}

function install(folder, ...options) {
  if (isInstalled(folder)) return

  say(`installing npm packages in ${relative(root, folder) || 'the repository'}`)
  const args = ['ci', '--no-audit', '--no-fund', '--prefix', folder, ...options]
  const advice = 'Look at the lines above; without a network it cannot work the first time.'
  const npm = process.env.npm_execpath
  if (npm?.endsWith('.js')) run(process.execPath, [npm, ...args], advice)
  else run('npm', args, advice)
}

function isInstalled(folder) {
  const wanted = packagesIn(join(folder, 'package-lock.json'))
  const present = packagesIn(join(folder, 'node_modules', '.package-lock.json'))
  if (!present) return false
  // A package for another platform is in the lock file and not in node_modules; it is optional.
  return Object.entries(wanted).every(([path, { version, integrity, optional, link }]) => {
    if (path === '' || link) return true
    const found = present[path]
    return found ? found.version === version && found.integrity === integrity : optional === true
  })
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return null
  }
}
