// @vitest-environment node

import * as node from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PyodideInterface } from 'pyodide'
import { beforeAll, describe, expect, test } from 'vitest'
import { MemoryOpfs } from '../support/memory-opfs'
import { type Mounted, mount, startPython } from '../support/python'

const OPERATIONS = 10_000

/** Emscripten's numbers for what a plain folder answers. */
const NAMES = new Map([
  [20, 'EEXIST'],
  [28, 'EINVAL'],
  [31, 'EISDIR'],
  [44, 'ENOENT'],
  [54, 'ENOTDIR'],
  [55, 'ENOTEMPTY'],
])

/** A small generator of numbers, the same each time. */
function randomness(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** The operations of a plain folder that both sides can do. Each returns what can be compared. */
interface Side {
  create(path: string, text: string): unknown
  append(path: string, text: string): unknown
  patch(path: string, at: number, text: string): unknown
  read(path: string): unknown
  truncate(path: string, size: number): unknown
  rename(from: string, to: string): unknown
  unlink(path: string): unknown
  mkdir(path: string): unknown
  rmdir(path: string): unknown
  list(path: string): unknown
  size(path: string): unknown
}

function nodeSide(root: string): Side {
  const at = (path: string) => join(root, path)
  return {
    create: (path, text) => node.writeFileSync(at(path), text),
    append: (path, text) => node.appendFileSync(at(path), text),
    patch(path, position, text) {
      const fd = node.openSync(at(path), 'r+')
      node.writeSync(fd, text, position)
      node.closeSync(fd)
    },
    read: (path) => node.readFileSync(at(path), 'latin1'),
    truncate: (path, size) => node.truncateSync(at(path), size),
    rename: (from, to) => node.renameSync(at(from), at(to)),
    unlink: (path) => node.unlinkSync(at(path)),
    mkdir: (path) => void node.mkdirSync(at(path)),
    rmdir: (path) => node.rmdirSync(at(path)),
    list: (path) => node.readdirSync(at(path)).sort(),
    size(path) {
      const stat = node.statSync(at(path))
      return stat.isDirectory() ? 'directory' : stat.size
    },
  }
}

function mountedSide(FS: Mounted['FS'], root: string): Side {
  const at = (path: string) => `${root}/${path}`
  const encode = (text: string) => new TextEncoder().encode(text)
  const write = (path: string, flags: string, text: string, position?: number) => {
    const stream = FS.open(at(path), flags)
    const bytes = encode(text)
    FS.write(stream, bytes, 0, bytes.length, position)
    FS.close(stream)
  }
  return {
    create: (path, text) => write(path, 'w', text),
    append: (path, text) => write(path, 'a', text),
    patch: (path, position, text) => write(path, 'r+', text, position),
    read: (path) => Buffer.from(FS.readFile(at(path))).toString('latin1'),
    truncate: (path, size) => FS.truncate(at(path), size),
    rename: (from, to) => FS.rename(at(from), at(to)),
    unlink: (path) => FS.unlink(at(path)),
    mkdir: (path) => void FS.mkdir(at(path)),
    rmdir: (path) => FS.rmdir(at(path)),
    list: (path) =>
      FS.readdir(at(path))
        .filter((name) => !['.', '..', 'blobs'].includes(name))
        .sort(),
    size(path) {
      const stat = FS.stat(at(path))
      return (stat.mode & 0o170000) === 0o040000 ? 'directory' : stat.size
    },
  }
}

type Action = (side: Side) => unknown

/** Emscripten looks for reasons to refuse a rename in another order: that it is refused is compared. */
function renameOrNot(side: Side, from: string, to: string): string {
  try {
    side.rename(from, to)
    return 'renamed'
  } catch {
    return 'refused'
  }
}

function chooseAction(random: (below: number) => number): readonly [label: string, Action] {
  const names = ['a', 'b', 'c']
  const name = () => names[random(names.length)] ?? 'a'
  const path = () => Array.from({ length: 1 + random(3) }, name).join('/')
  const text = 'xyz'.repeat(random(40))
  const [one, two, number] = [path(), path(), random(100)]
  const actions: readonly (readonly [string, Action])[] = [
    [`create ${one}`, (side) => side.create(one, text)],
    [`append ${one}`, (side) => side.append(one, text)],
    [`patch ${one} ${number}`, (side) => side.patch(one, number, text)],
    [`read ${one}`, (side) => side.read(one)],
    [`truncate ${one} ${number}`, (side) => side.truncate(one, number)],
    [`rename ${one} ${two}`, (side) => renameOrNot(side, one, two)],
    [`unlink ${one}`, (side) => side.unlink(one)],
    [`mkdir ${one}`, (side) => side.mkdir(one)],
    [`rmdir ${one}`, (side) => side.rmdir(one)],
    [`list ${one}`, (side) => side.list(one)],
    [`size ${one}`, (side) => side.size(one)],
  ]
  return actions[random(actions.length)] ?? ['size', (side) => side.size(one)]
}

describe('the mounted file system', () => {
  let python: PyodideInterface

  beforeAll(async () => {
    python = await startPython()
  }, 60_000)

  function outcome(action: () => unknown): unknown {
    try {
      return { value: action() }
    } catch (error) {
      const failure: { code?: string; errno?: number } = Object(error)
      if (typeof failure.code === 'string') return { failed: failure.code }
      if (failure.errno !== undefined) return { failed: NAMES.get(failure.errno) ?? failure.errno }
      throw error
    }
  }

  /** All that can be seen below *path*. */
  function everything(side: Side, path = '.'): Record<string, unknown> {
    const found: Record<string, unknown> = {}
    const list = side.list(path)
    for (const name of Array.isArray(list) ? list : []) {
      const child = `${path}/${name}`
      if (side.size(child) === 'directory')
        Object.assign(found, { [child]: '' }, everything(side, child))
      else found[child] = side.read(child)
    }
    return found
  }

  test(`does ${OPERATIONS} random operations as a plain folder does`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'durably-'))
    const random = randomness(7)
    let opfs = new MemoryOpfs()
    let mounted = await mount(python, opfs, '/store')
    const theirs = nodeSide(folder)
    for (let count = 0; count < OPERATIONS; count += 1) {
      const [label, action] = chooseAction(random)
      const ours = mountedSide(mounted.FS, '/store')
      const expected = outcome(() => action(theirs))
      expect([count, label, outcome(() => action(ours))]).toEqual([count, label, expected])
      // As a worker's event loop would, now and then; and sometimes the worker is killed.
      if (count % 7 === 0) await mounted.disk.settle()
      if (count % 500 === 0) {
        opfs = opfs.crash('all')
        mounted.unmount()
        mounted = await mount(python, opfs, '/store')
        expect(everything(mountedSide(mounted.FS, '/store'))).toEqual(everything(theirs))
      }
    }
    expect(mounted.faults).toEqual([])
    mounted.unmount()
    expect(opfs.open).toBe(0)
    rmSync(folder, { recursive: true })
  }, 120_000)
})
