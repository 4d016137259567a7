/**
 * Run the pytest files of tests/py inside Pyodide, under Node: `npm run test:pyodide -- -k replay`.
 *
 * They are the same files that CPython runs. Left out are those marked `cpython_only` (threads, processes,
 * signals) and `external` (a server). Arguments are pytest's.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPyodide } from 'pyodide'
import { at, wheels, wheelsLock } from '../../scripts/paths.mjs'

const REPOSITORY = '/repository'

/** What the tests read of the repository; they see it where it lies here. */
const FOLDERS = ['py', 'tests', 'examples', 'web/demo/jobs']

const SITE_PACKAGES = '/lib/python3.14/site-packages'

const BOOT = `
import sys

sys.path[:0] = ["${REPOSITORY}/py", "${REPOSITORY}/tests/pyodide"]
from run_pytest import main

main
`

try {
  process.exitCode = await runTests(process.argv.slice(2))
} catch (error) {
  // Left to Node it would print the line it came from: all of Pyodide.
  console.error(error.message)
  process.exitCode = 1
}

async function runTests(args) {
  const python = await loadPyodide({ env: { HOME: '/home', PYTHONDONTWRITEBYTECODE: '1' } })
  const { runtime, test } = JSON.parse(readFileSync(wheelsLock, 'utf8'))
  for (const { file } of [...runtime, ...test]) {
    const bytes = new Uint8Array(readFileSync(join(wheels, file)))
    python.unpackArchive(bytes, 'wheel', { extractDir: SITE_PACKAGES })
  }
  for (const folder of FOLDERS.filter((folder) => existsSync(at(folder)))) {
    python.FS.mkdirTree(`${REPOSITORY}/${folder}`)
    python.FS.mount(python.FS.filesystems.NODEFS, { root: at(folder) }, `${REPOSITORY}/${folder}`)
  }
  const main = python.runPython(BOOT)
  return main(REPOSITORY, args)
}
