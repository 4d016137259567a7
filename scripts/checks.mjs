/** Every tool that looks at the code without running it: one entry each, run from the root. */

import { join } from 'node:path'
import { at, inVenv, npmPackage, pythonSources, ruff } from './paths.mjs'

const CONFIG = at('py', 'pyproject.toml')

const bin = (...path) => at('node_modules', ...path)
const node = (script, ...args) => [process.execPath, [script, ...args]]
const tsc = (project) => node(bin('typescript', 'bin', 'tsc'), '--project', project)

export const staticChecks = () => [
  {
    name: 'ruff format',
    run: [ruff, ['format', '--check', '--config', CONFIG, ...pythonSources()]],
  },
  { name: 'ruff check', run: [ruff, ['check', '--config', CONFIG, ...pythonSources()]] },
  { name: 'mypy', run: [inVenv('mypy'), ['--config-file', CONFIG, ...pythonSources()]] },
  { name: 'import-linter', run: [inVenv('lint-imports'), ['--no-logo']], cwd: at('py') },
  { name: 'biome', run: node(bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '.') },
  { name: 'tsc (page)', run: tsc('tsconfig.json') },
  { name: 'tsc (node)', run: tsc('tsconfig.node.json') },
  { name: 'tsc (worker)', run: tsc('tsconfig.worker.json') },
  { name: 'tsc (tests)', run: tsc('tsconfig.tests.json') },
  { name: 'publint', run: node(bin('publint', 'src', 'cli.js'), npmPackage, '--strict') },
  {
    name: 'types of the package',
    run: node(
      bin('@arethetypeswrong', 'cli', 'dist', 'index.js'),
      ...['--pack', npmPackage, '--profile', 'esm-only', '--exclude-entrypoints', 'worker.js'],
    ),
  },
  {
    name: 'declarations',
    run: node(join(npmPackage, 'cli.js'), 'types', 'web/demo/jobs', '--check'),
  },
  { name: 'knip', run: node(bin('knip', 'bin', 'knip.js')) },
]
