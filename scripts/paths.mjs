/** Where things lie, for every script of the house. Plain Node: it also runs before `npm ci` does. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** A path inside the repository. */
export const at = (...parts) => join(root, ...parts)

export const venv = at('.venv')

/** A program of the virtual environment. */
export const inVenv = (name) =>
  process.platform === 'win32' ? join(venv, 'Scripts', `${name}.exe`) : join(venv, 'bin', name)

export const python = inVenv('python')
export const ruff = inVenv('ruff')
export const wheels = at('.wheels')
export const wheelsLock = at('scripts', 'wheels.lock.json')
/** What npm gets, once it is built. */
export const npmPackage = at('dist', 'package')
export const chromiumRecord = at('.cache', 'chromium.json')

/** Every folder that holds Python of ours, and every file that stands alone. */
export const pythonSources = () =>
  [
    'py/durably',
    'py/hatch_build.py',
    'tests/py',
    'tests/pyodide',
    'examples',
    'bench',
    'scripts',
    'web/demo/jobs',
  ].filter((path) => existsSync(at(path)) && (path.endsWith('.py') || holdsPython(at(path))))

/** A folder without any is an error to mypy. */
function holdsPython(folder) {
  return readdirSync(folder, { recursive: true }).some((path) => path.endsWith('.py'))
}
