/** `npm run test:firefox`: a few tests of the built demo in Firefox, where there is one. */

import { spawnSync } from 'node:child_process'
import { firefoxPath } from '../../scripts/firefox.mjs'
import { at, root } from '../../scripts/paths.mjs'

const path = firefoxPath()
if (path === null) {
  console.log(
    'no Firefox is on this machine, so nothing was tested in it (DURABLY_FIREFOX names one)',
  )
} else {
  const vitest = at('node_modules', 'vitest', 'vitest.mjs')
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--config', 'tests/firefox/vitest.config.ts', ...process.argv.slice(2)],
    { cwd: root, stdio: 'inherit', env: { ...process.env, DURABLY_FIREFOX: path } },
  )
  process.exitCode = status ?? 1
}
