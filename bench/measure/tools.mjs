/** What the plugin costs an app's author: declarations in dev, and the build. Measured under Node. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { durablyPy } from 'durably-py/vite'
import { build, createServer } from 'vite'
import { at } from '../../scripts/paths.mjs'
import { median } from './numbers.mjs'

const SAVES = 7
const MODULE = join('src', 'jobs', 'reports.py')

/** The React example, where this repository's packages are found. */
function freshApp() {
  const folder = at('.cache', 'bench-app')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const isSource = (path) => !/[\\/](node_modules|dist|vite\.config\.ts)$/.test(path)
  cpSync(at('examples', 'vite-react'), folder, { recursive: true, filter: isSource })
  return folder
}

const config = (root, plugins) => ({ root, plugins, configFile: false, logLevel: 'silent' })

/** Milliseconds from the save of a module to its new declaration; median of several. */
export async function typesMs() {
  const root = freshApp()
  const server = await createServer({
    ...config(root, [react(), durablyPy()]),
    server: { port: 4375 },
  })
  try {
    await server.listen()
    // Before the watcher has looked around, a save is not seen.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const file = join(root, MODULE)
    const source = readFileSync(file, 'utf8')
    const took = []
    for (let save = 0; save <= SAVES; save += 1) {
      const field = `added_${save}`
      const began = performance.now()
      writeFileSync(
        file,
        source.replace('lines: list[str]\n', `lines: list[str]\n    ${field}: int = 0\n`),
      )
      while (!readFileSync(`${file}.d.ts`, 'utf8').includes(field)) {
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      // Before the first one Python may still be starting.
      if (save > 0) took.push(performance.now() - began)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    return median(took)
  } finally {
    await server.close()
  }
}

/** Seconds that a first build takes more than the same app without Python. */
export async function buildOverhead() {
  const root = freshApp()
  const withPython = await timed(() => build(config(root, [react(), durablyPy()])))
  const plain = {
    name: 'without-python',
    enforce: 'pre',
    load: (id) =>
      id.endsWith('.py') ? 'export const monthlyReport = { name: "monthly-report" }' : null,
  }
  const without = await timed(() => build(config(root, [react(), plain])))
  return (withPython - without) / 1000
}

async function timed(work) {
  const began = performance.now()
  await work()
  return performance.now() - began
}
