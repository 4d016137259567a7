/** A virtual environment in .venv with the development tools and the package itself, editable. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { at, python, venv } from '../paths.mjs'
import { aptInstall, ask, run, SetupError, say } from './run.mjs'

const NAMES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']
const PROJECT = at('py', 'pyproject.toml')
const PINS = at('py', 'constraints.txt')
const STAMP = join(venv, 'durably-setup')

/** Prints the version and whether a venv with pip can be made; an older Python prints nothing. */
const PROBE = `
import sys
if sys.version_info >= (3, 11):
    try:
        import ensurepip, venv
        able = "able"
    except ImportError:
        able = "no-venv"
    print("%d.%d" % sys.version_info[:2], able)
`

/** Prints the development group of pyproject.toml, one requirement a line. */
const READ_GROUP = `
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    print("\\n".join(tomllib.load(file)["dependency-groups"]["dev"]))
`

export function setUpPython() {
  const wanted = fingerprint()
  if (existsSync(python) && readIfThere(STAMP) === wanted) return

  if (!existsSync(python) || ask(python, ['-m', 'pip', '--version']) === null) {
    const found = findPython()
    say(`making .venv with ${found}`)
    rmSync(venv, { recursive: true, force: true })
    run(found, ['-m', 'venv', venv], 'Set DURABLY_PYTHON to another Python 3.11 or newer.')
  }
  say('installing Python packages')
  const group = ask(python, ['-c', READ_GROUP, PROJECT]).split(/\r?\n/)
  const quiet = ['-qq', '--disable-pip-version-check']
  run(
    python,
    ['-m', 'pip', 'install', ...quiet, '--constraint', PINS, ...group, '--editable', at('py')],
    'Look at the lines above; without a network it cannot work the first time.',
  )
  writeFileSync(STAMP, wanted)
}

/** Changes whenever the requirements do. What tools are told ([tool.…]) does not count. */
function fingerprint() {
  const requirements = readFileSync(PROJECT, 'utf8').split(/^\[tool\./m)[0]
  return createHash('sha256').update(requirements).update(readFileSync(PINS)).digest('hex')
}

function findPython() {
  const probed = candidates().map((command) => [command, ask(command, ['-c', PROBE]) || null])
  const usable = probed.filter(([, answer]) => answer !== null)
  const able = usable.find(([, answer]) => answer.endsWith(' able'))
  if (able) return able[0]

  const chosen = process.env.DURABLY_PYTHON
  if (chosen) {
    throw new SetupError(`DURABLY_PYTHON (${chosen}) is no Python 3.11 or newer with venv and pip.`)
  }
  const version = usable[0]?.[1].split(' ')[0]
  const packages = version ? [`python${version}-venv`] : ['python3', 'python3-venv']
  if (aptInstall(...packages)) {
    const command = usable[0]?.[0] ?? 'python3'
    if (ask(command, ['-c', PROBE])?.endsWith(' able')) return command
  }
  throw new SetupError(
    version
      ? `Python ${version} is here without its venv module. On Debian or Ubuntu: ` +
          `\`apt-get install ${packages.join(' ')}\`. Or set DURABLY_PYTHON to another Python.`
      : 'Python 3.11 or newer is needed and was not found. Install it, or set DURABLY_PYTHON to its path.',
  )
}

function candidates() {
  const chosen = process.env.DURABLY_PYTHON
  if (chosen) return [chosen]
  // A pyenv shim answers only for the versions that are switched on; the others lie in its folder.
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const versions = existsSync(pyenv) ? readdirSync(pyenv).sort().reverse() : []
  return [
    ...NAMES,
    '/usr/bin/python3',
    ...versions.map((name) => join(pyenv, name, 'bin', 'python')),
  ]
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
