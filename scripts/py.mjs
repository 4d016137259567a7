/** Run the virtual environment's Python at the root: `node scripts/py.mjs -m mypy`. */

import { spawnSync } from 'node:child_process'
import { python, root } from './paths.mjs'

const { status } = spawnSync(python, process.argv.slice(2), { cwd: root, stdio: 'inherit' })
process.exit(status ?? 1)
