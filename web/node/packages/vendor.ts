/** The Python packages of an app, fetched when it is built and never by a visitor. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../files'
import { findPyodide, readContents } from '../own-files'
import type { Wheel } from '../parts'
import type { PythonHost } from '../python/host'
import type { Distribution } from '../python/protocol'
import { isCurrent, type Lock, type Pin, readLock, writeLock } from './lock'

export interface PackageOptions {
  /** Requirements as pip reads them: `pypdf==6.1.0`. */
  readonly packages: readonly string[]
  /** Where the pins are kept: absolute. */
  readonly lockFile: string
  /** Addresses of indexes with the simple API; the first that has a file gives it. Default: what pip or uv would ask, else PyPI. */
  readonly indexes?: readonly string[] | undefined
  /** Address of the folder of Pyodide's own packages, with a slash at its end. Default: that of its distribution. */
  readonly distributionUrl?: string | undefined
  readonly cache: string
  readonly say: (line: string) => void
}

/** The Python of Pyodide, as wheels name it. */
const TARGET = 'cp314-pyemscripten_2026_0'

function indexesOf({ indexes }: PackageOptions): string[] {
  const { UV_DEFAULT_INDEX, UV_INDEX_URL, PIP_INDEX_URL } = process.env
  const usual = UV_DEFAULT_INDEX ?? UV_INDEX_URL ?? PIP_INDEX_URL ?? 'https://pypi.org/simple'
  return (indexes ?? [usual]).map((url) => url.replace(/\/+$/, ''))
}

function distributionOf({ distributionUrl }: PackageOptions): string {
  return distributionUrl ?? `https://cdn.jsdelivr.net/pyodide/v${findPyodide().version}/full/`
}

/** Return every package that the app asked for, and those that these need. */
export async function vendored(
  options: PackageOptions,
  start: (say: (line: string) => void) => PythonHost,
): Promise<readonly Wheel[]> {
  const { packages, lockFile } = options
  if (packages.length === 0) return NONE
  const known = readLock(lockFile)
  if (known && isCurrent(known, packages, TARGET)) return fetchAll(known.packages, options)
  const lock = await resolve(options, start)
  const wheels = await fetchAll(lock.packages, options)
  writeLock(lockFile, lock)
  return wheels
}

/** The same object each time: by it a project knows that nothing has changed. */
const NONE: readonly Wheel[] = []

async function resolve(
  options: PackageOptions,
  start: (say: (line: string) => void) => PythonHost,
): Promise<Lock> {
  const { packages, say } = options
  say(`looking for ${packages.join(', ')}`)
  const python = start(() => undefined)
  try {
    const answer = await python.call('resolve', {
      requirements: packages,
      constraints: readContents().wheels.map(({ name, version }) => `${name}==${version}`),
      indexes: indexesOf(options),
      distribution: readDistribution(),
    })
    if ('error' in answer) throw new Error(`packages cannot be had: ${answer.error}`)
    const pins = answer.found.map(
      ({ from, ...pin }): Pin => (from === 'pyodide' ? { ...pin, from } : pin),
    )
    return { requirements: packages, target: TARGET, packages: pins }
  } finally {
    await python.close()
  }
}

function readDistribution(): Distribution {
  const file = join(findPyodide().folder, 'pyodide-lock.json')
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

function fetchAll(pins: readonly Pin[], options: PackageOptions): Promise<Wheel[]> {
  return Promise.all(pins.map(async (pin) => ({ pin, bytes: await fetchWheel(pin, options) })))
}

async function fetchWheel(pin: Pin, options: PackageOptions): Promise<Uint8Array<ArrayBuffer>> {
  const folder = join(options.cache, 'wheels')
  const kept = join(folder, pin.file)
  if (existsSync(kept)) {
    const bytes = new Uint8Array(readFileSync(kept))
    if (sha256(bytes) === pin.sha256) return bytes
  }
  const bytes = await download(pin, options)
  const found = sha256(bytes)
  if (found !== pin.sha256) {
    throw new Error(
      `${pin.file} is not the file that ${options.lockFile} pins: its sha256 is ${found}, expected ${pin.sha256}`,
    )
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(kept, bytes)
  return bytes
}

async function download(pin: Pin, options: PackageOptions) {
  options.say(`fetching ${pin.file}`)
  if (pin.from === 'pyodide') return get(new URL(pin.file, distributionOf(options)).href)
  const indexes = indexesOf(options)
  for (const index of indexes) {
    const url = await findInIndex(pin, index)
    if (url !== null) return get(url)
  }
  throw new Error(`${pin.file} is in none of ${indexes.join(', ')}`)
}

interface SimplePage {
  readonly files: readonly { readonly filename: string; readonly url: string }[]
}

/** Ask an index of packages for a file by its name (PEP 691; PEP 503 where it speaks no JSON). */
async function findInIndex(pin: Pin, index: string): Promise<string | null> {
  const name = pin.name.replaceAll(/[-_.]+/g, '-').toLowerCase()
  const page = `${index}/${name}/`
  const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.1'
  const response = await fetch(page, { headers: { accept } })
  if (response.status === 404) return null
  if (!response.ok) throw new Error(`${page} answers ${response.status}`)
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('json')) {
    const { files } = (await response.json()) as SimplePage
    const found = files.find(({ filename }) => filename === pin.file)
    return found ? new URL(found.url, page).href : null
  }
  const link = new RegExp(`href="([^"]*${pin.file.replaceAll('.', '\\.')}[^"]*)"`).exec(
    await response.text(),
  )?.[1]
  return link === undefined ? null : new URL(link.replaceAll('&amp;', '&'), page).href
}

async function get(url: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response
  try {
    response = await fetch(url)
  } catch (error) {
    throw new Error(`${url} cannot be reached: ${error instanceof Error ? error.message : error}`)
  }
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
