/** Start programs, and say what a person can do when one fails. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { root } from '../paths.mjs'

/** Something a person has to do; the message says what. */
export class SetupError extends Error {}

export function say(text) {
  console.log(`setup: ${text}`)
}

/** Run a program whose output people see; a failure is a SetupError with *advice*. */
export function run(command, args, advice) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status === 0) return
  const why = error ? error.message : `exit code ${status}`
  throw new SetupError(`\`${[command, ...args].join(' ')}\` failed (${why}). ${advice}`)
}

/** Run a program quietly: its output, or null when it fails, is missing or takes too long. */
export function ask(command, args, { timeout = 20_000, env = process.env } = {}) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  })
  return status === 0 ? stdout.trim() : null
}

/** Install Debian or Ubuntu packages; false where that is not ours to do or does not work. */
export function aptInstall(...packages) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false
  say(`apt-get install ${packages.join(' ')}`)
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  spawnSync('apt-get', ['update', '-qq'], options)
  // Another installation may be under way, such as a machine's own at its start.
  const patient = ['-o', 'DPkg::Lock::Timeout=300']
  const install = [...patient, 'install', '-y', '-qq', '--no-install-recommends', ...packages]
  return spawnSync('apt-get', install, options).status === 0
}
