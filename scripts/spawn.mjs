/** Start programs without blocking, for the scripts that run several. */

import { spawn } from 'node:child_process'
import { root } from './paths.mjs'

/** Run a program; its output goes to *onOutput* as it comes and is part of the answer. */
export function start(command, args, { cwd = root, timeout = 0, onOutput = () => {} } = {}) {
  return new Promise((resolve) => {
    const began = performance.now()
    let output = ''
    const take = (chunk) => {
      output += chunk
      onOutput(chunk)
    }
    const env = { ...process.env, NO_COLOR: '1' }
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout })
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', (error) => take(`${error.message}\n`))
    child.on('close', (code) =>
      resolve({ ok: code === 0, output, seconds: (performance.now() - began) / 1000 }),
    )
  })
}

/** The command line that runs an npm script without its `pre` script. */
export function npmRun(script) {
  const args = ['run', '--silent', '--ignore-scripts', script]
  const npm = process.env.npm_execpath
  return npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
}
