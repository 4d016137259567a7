/** The wheels that Pyodide unpacks, pinned by scripts/wheels.lock.json and kept in .wheels/. */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { python, wheels, wheelsLock } from '../paths.mjs'
import { run, SetupError, say } from './run.mjs'

export function setUpWheels() {
  const { target, runtime, resolver, test } = JSON.parse(readFileSync(wheelsLock, 'utf8'))
  const pinned = [...runtime, ...resolver, ...test]
  const missing = pinned.filter(({ file }) => !existsSync(join(wheels, file)))
  if (missing.length > 0) {
    say(`fetching ${missing.length} wheels for Pyodide`)
    mkdirSync(wheels, { recursive: true })
    download(target, missing)
  }
  for (const wheel of pinned) verify(wheel)
}

function download(target, missing) {
  run(
    python,
    [
      ...['-m', 'pip', 'download', '-qq', '--disable-pip-version-check', '--dest', wheels],
      ...['--no-deps', '--only-binary=:all:', '--python-version', target.pythonVersion],
      ...['--implementation', target.implementation, '--abi', target.abi],
      ...target.platforms.flatMap((platform) => ['--platform', platform]),
      ...missing.map(({ requirement }) => requirement),
    ],
    'Look at the lines above; without a network it cannot work the first time.',
  )
}

function verify({ file, sha256, requirement }) {
  const path = join(wheels, file)
  if (!existsSync(path)) {
    throw new SetupError(`${requirement} was fetched under another name than ${file}.`)
  }
  const found = createHash('sha256').update(readFileSync(path)).digest('hex')
  if (found === sha256) return
  rmSync(path)
  throw new SetupError(
    `${file} is not the file that scripts/wheels.lock.json names: its sha256 is ${found}, ` +
      `expected ${sha256}. The copy was removed; run this again to fetch it anew.`,
  )
}
