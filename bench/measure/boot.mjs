/** How soon an engine is ready, and what it takes: milliseconds, memory, bytes over the wire. */

import { copyFileSync, readdirSync } from 'node:fs'
import { at } from '../../scripts/paths.mjs'
import { median, scaled } from './numbers.mjs'

const BOOTS = 3
const MB = 1e6
const STDLIB = 'python_stdlib.zip'

/** On a browser's first visit; what it says is from its worker's start to ready. */
export async function firstBoot(site) {
  return site.firstVisit(bootOnce)
}

/** On a later visit, from a snapshot where there is one. */
export async function warmBoot(site) {
  const took = []
  for (let boot = 0; boot < BOOTS; boot++) took.push(await bootOnce(site, 'snapshot'))
  return median(took)
}

async function bootOnce(site, wanted = 'parts') {
  const page = await site.open()
  const boot = await page.evaluate(() => window.bench.boot)
  const ms = boot?.ms ?? (await page.evaluate(() => window.lab.bootMs))
  if (boot && boot.from !== wanted) throw new Error(`booted from ${boot.from}, not ${wanted}`)
  await page.close()
  return ms
}

export async function plainFirstBoot(site) {
  return site.firstVisit(plainBootOnce)
}

export async function plainWarmBoot(site) {
  const took = []
  for (let boot = 0; boot <= BOOTS; boot++) took.push(await plainBootOnce(site))
  return median(took.slice(1))
}

async function plainBootOnce(site) {
  return inPlainTab(site, (ms) => ms)
}

/** Bytes that the server has sent when a first visit is ready. */
export async function transfer(site) {
  return site.firstVisit(async (fresh) => {
    const before = fresh.sent
    await fresh.open()
    return (fresh.sent - before) / MB
  })
}

export async function plainTransfer(site) {
  return site.firstVisit(async (fresh) => {
    const before = fresh.sent
    await plainBootOnce(fresh)
    return (fresh.sent - before) / MB
  })
}

/** What the tab's process has more than before the tab was opened, after some work. */
export async function memory(site) {
  const before = await site.processMemory()
  const page = await site.open()
  await page.evaluate((count) => window.lab.triggerAndWait('steps', { count }), scaled(100))
  const after = await site.processMemory()
  await page.close()
  return before === null ? null : (after - before) / MB
}

export async function plainMemory(site) {
  const before = await site.processMemory()
  const after = await inPlainTab(site, () => site.processMemory())
  return before === null ? null : (after - before) / MB
}

/** Its name changes with what is in it. */
function manifestPath() {
  const folder = 'assets/durably'
  const names = readdirSync(at('dist', 'demo', folder))
  return `${folder}/${names.find((name) => /^manifest-.*\.json$/.test(name))}`
}

/** Boot stock Pyodide with pydantic in a worker of a page that has nothing else. */
async function inPlainTab(site, read) {
  // The app has a standard library of its own in the place of Pyodide's.
  copyFileSync(at('node_modules', 'pyodide', STDLIB), at('dist', 'demo', STDLIB))
  const page = await site.blank()
  // Nothing is there; its answer is isolated, and forbids nothing.
  await page.goto(`${site.origin}/nothing`)
  const result = await read(await page.evaluate(bootPlain, manifestPath()))
  await page.close()
  return result
}

async function bootPlain(path) {
  const manifestUrl = new URL(path, location.origin).href
  const manifest = await (await fetch(manifestUrl)).json()
  const base = new URL(manifest.pyodide.base, manifestUrl).href
  const wheels = manifest.archives.filter(({ format }) => format === 'wheel')
  const source = `
    import { loadPyodide } from '${base}pyodide.mjs'
    const wheels = ${JSON.stringify(wheels.map(({ url }) => new URL(url, manifestUrl).href))}
    const fetched = wheels.map(async (url) => (await fetch(url)).arrayBuffer())
    const pyodide = await loadPyodide({ indexURL: '${base}', packageBaseUrl: '${base}', stdLibURL: '${location.origin}/python_stdlib.zip' })
    for (const wheel of await Promise.all(fetched)) pyodide.unpackArchive(wheel, 'wheel')
    pyodide.runPython(\`
from pydantic import BaseModel

class Model(BaseModel):
    name: str
    count: int = 1

Model.model_validate({"name": "first"})
\`)
    self.pyodide = pyodide
    postMessage('ready')`
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  const began = performance.now()
  window.plain = new Worker(url, { type: 'module' })
  return new Promise((resolve, reject) => {
    window.plain.onmessage = () => resolve(performance.now() - began)
    window.plain.onerror = ({ message }) => reject(new Error(message))
  })
}
