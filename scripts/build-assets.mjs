/**
 * Put what the worker needs to boot Python into web/demo/public/durably, with a manifest of it all.
 * Same input, same bytes; nothing is written when nothing changed.
 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { zipSync } from 'fflate'
import { assets, at, wheels, wheelsLock } from './paths.mjs'

/** What loadPyodide fetches; the rest of the npm package is for other uses. */
const PYODIDE_FILES = [
  'pyodide.mjs',
  'pyodide.asm.mjs',
  'pyodide.asm.wasm',
  'python_stdlib.zip',
  'pyodide-lock.json',
]

/** Parts of the package that only a server has. */
const SERVER_ONLY = ['durably/http/', 'durably/store/postgres.py']

const JOBS = at('web', 'demo', 'jobs')

/** Build into *out*; true when something was written. */
export function buildAssets(out = assets) {
  const pyodide = pyodideFiles()
  const archives = [
    ...wheelArchives(),
    zipArchive('engine', engineFiles()),
    zipArchive('jobs', jobFiles()),
  ]
  const files = [...pyodide.files, ...archives]

  const manifest = {
    buildId: sha256(files.map(({ url, sha256 }) => `${sha256}  ${url}\n`).join('')),
    pyodide: { version: pyodide.version, base: pyodide.base },
    archives: archives.map(({ url, format, sha256 }) => ({ url, format, sha256 })),
    modules: jobModules(),
  }
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const manifestFile = join(out, 'manifest.json')
  if (readIfThere(manifestFile) === text && files.every((file) => isThere(out, file))) return false

  rmSync(out, { recursive: true, force: true })
  for (const { url, bytes } of files) write(join(out, url), bytes)
  // The manifest comes last: whoever sees it finds all that it names.
  write(manifestFile, text)
  return true
}

function pyodideFiles() {
  const folder = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'))
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const base = `pyodide-${version}/`
  const files = PYODIDE_FILES.map((name) => file(base + name, readFileSync(join(folder, name))))
  return { version, base, files }
}

function wheelArchives() {
  const { runtime } = JSON.parse(readFileSync(wheelsLock, 'utf8'))
  return runtime.map((pin) => {
    const archive = {
      ...file(`wheels/${pin.file}`, readFileSync(join(wheels, pin.file))),
      format: 'wheel',
    }
    if (archive.sha256 === pin.sha256) return archive
    throw new Error(`${pin.file} is not what scripts/wheels.lock.json pins; run \`npm run setup\``)
  })
}

function engineFiles() {
  return filesUnder(at('py', 'durably'))
    .map(({ path, bytes }) => ({ path: `durably/${path}`, bytes }))
    .filter(({ path }) => !SERVER_ONLY.some((prefix) => path.startsWith(prefix)))
}

function jobFiles() {
  return existsSync(JOBS) ? filesUnder(JOBS) : []
}

/** Top-level packages and modules of the jobs folder: those the engine imports to find jobs in. */
function jobModules() {
  const names = jobFiles()
    .map(({ path }) => /^([a-z]\w*)(\/__init__)?\.py$/.exec(path)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].sort()
}

function zipArchive(name, files) {
  const entries = files.map(({ path, bytes }) => [path, bytes]).sort(([a], [b]) => (a < b ? -1 : 1))
  // A zip keeps local time without a zone; this is the earliest it can hold, whatever the zone.
  const mtime = new Date(1980, 0, 1)
  const bytes = zipSync(Object.fromEntries(entries), { mtime, level: 9 })
  return { ...file(`${name}-${sha256(bytes).slice(0, 12)}.zip`, bytes), format: 'zip' }
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isLitter(entry))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(folder, path).split(sep).join('/'),
      bytes: readFileSync(path),
    }))
}

function isLitter(entry) {
  return basename(entry.parentPath) === '__pycache__' || entry.name.startsWith('.')
}

function file(url, bytes) {
  return { url, bytes, sha256: sha256(bytes) }
}

function isThere(out, { url, bytes }) {
  const path = join(out, url)
  return existsSync(path) && statSync(path).size === bytes.length
}

function write(path, content) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(buildAssets() ? 'assets: built web/demo/public/durably' : 'assets: up to date')
}
