/** Write every file the way `npm run check` wants it, and fix what the linters can fix by themselves. */

import { spawnSync } from 'node:child_process'
import { at, pythonSources, root, ruff } from './paths.mjs'

const biome = at('node_modules', '@biomejs', 'biome', 'bin', 'biome')

for (const [command, args] of [
  [process.execPath, [biome, 'check', '--write', '.']],
  [ruff, ['check', '--config', at('py', 'pyproject.toml'), '--fix', '--quiet', ...pythonSources()]],
  [ruff, ['format', '--config', at('py', 'pyproject.toml'), ...pythonSources()]],
]) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
