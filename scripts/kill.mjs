/** `npm run test:kill -- --trials 1000 --seed 7`: kill the browser so often, from that seed. */

import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { at, root } from './paths.mjs'

const { values } = parseArgs({
  options: { trials: { type: 'string', default: '30' }, seed: { type: 'string' } },
})
const env = { ...process.env, KILL_TRIALS: values.trials }
if (values.seed !== undefined) env.KILL_SEED = values.seed
const playwright = at('node_modules', '@playwright', 'test', 'cli.js')
const { status } = spawnSync(process.execPath, [playwright, 'test', '--project', 'kill'], {
  cwd: root,
  env,
  stdio: 'inherit',
})
process.exit(status ?? 1)
