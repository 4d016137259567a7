// @vitest-environment node
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Disk, type DiskOptions } from '../../../web/opfs/disk'
import type { StoredFile } from '../../../web/opfs/name-table'
import { seeded } from '../../e2e/support/random'
import { errnoFrom, PATIENCE, plain, read, seen, write } from '../support/disk-support'
import { MemoryOpfs } from '../support/memory-opfs'

describe('a disk', () => {
  let opfs: MemoryOpfs
  let disk: Disk

  const open = (memory: MemoryOpfs, options: DiskOptions = {}) =>
    Disk.open(memory.root, { patience: PATIENCE, spares: 4, ...options })

  beforeEach(async () => {
    opfs = new MemoryOpfs()
    disk = await open(opfs)
  })

  afterEach(() => disk.close())

  test('gives a file made at once its plain name a little later, with its stream open', async () => {
    const file = disk.create('notes.txt')
    disk.opened(file)
    write(file, 'hello')
    expect(plain(opfs)).toEqual({})

    await disk.settle()

    expect(plain(opfs)).toEqual({ 'notes.txt': 'hello' })
    write(file, 'HELLO')
    expect(plain(opfs)).toEqual({ 'notes.txt': 'HELLO' })
  })

  test('finds a file that had no time to get its plain name', async () => {
    write(disk.create('notes.txt'), 'hello')

    const next = await open(opfs.crash())

    expect(seen(next)).toEqual({ 'notes.txt': 'hello' })
    next.close()
  })

  test('moves it to its plain name at the next mount', async () => {
    write(disk.create('notes.txt'), 'hello')
    const after = opfs.crash()

    const next = await open(after)

    expect(plain(after)).toEqual({ 'notes.txt': 'hello' })
    next.close()
  })

  test('opens files that someone else put there', async () => {
    const folder = new MemoryOpfs()
    const sub = await folder.root.getDirectoryHandle('sub', { create: true })
    await sub.getFileHandle('x.csv', { create: true })

    const other = await open(folder)

    expect(seen(other)).toEqual({ 'sub/': '', 'sub/x.csv': '' })
    other.close()
  })

  test('replaces a file by a rename in one moment', async () => {
    write(disk.create('new'), 'new')
    write(disk.create('old'), 'old')
    await disk.settle()

    const file = disk.files.get('new')
    if (file) disk.rename(file, 'old')

    const next = await open(opfs.crash())
    expect(seen(next)).toEqual({ old: 'new' })
    next.close()
  })

  test('lets two files change names', async () => {
    write(disk.create('a'), 'A')
    write(disk.create('b'), 'B')
    await disk.settle()
    const [a, b] = [disk.files.get('a'), disk.files.get('b')]
    if (!a || !b) throw new Error('not there')

    disk.rename(a, 'c')
    disk.rename(b, 'a')
    disk.rename(a, 'b')
    await disk.settle()

    expect(plain(opfs)).toEqual({ a: 'B', b: 'A' })
  })

  test('keeps a removed file for those who have it open, and no longer', async () => {
    const file = disk.create('x')
    disk.opened(file)
    write(file, 'still here')
    await disk.settle()

    disk.unlink(file)
    expect(disk.files.has('x')).toBe(false)
    expect(read(file)).toBe('still here')

    disk.closed(file)
    await disk.settle()
    expect(plain(opfs)).toEqual({})
  })

  test('makes, renames and removes directories', async () => {
    disk.makeDirectory('a')
    disk.makeDirectory('a/b')
    write(disk.create('a/b/x'), 'x')
    await disk.settle()
    expect(plain(opfs)).toEqual({ 'a/b/x': 'x' })

    disk.renameDirectory('a', 'z')
    expect(seen(disk)).toEqual({ 'z/': '', 'z/b/': '', 'z/b/x': 'x' })
    await disk.settle()

    expect(plain(opfs)).toEqual({ 'z/b/x': 'x' })
    const names = []
    for await (const name of opfs.root.keys()) names.push(name)
    expect(names.sort()).toEqual(['.durably', 'z'])
  })

  test('holds a fixed file in one place, there once it was created or has bytes', async () => {
    const fixed = ['x.sqlite3', 'x.sqlite3-wal']
    const memory = new MemoryOpfs()
    const first = await open(memory, { fixed })
    expect(first.files.size).toBe(0)

    write(first.create('x.sqlite3'), 'data')
    first.create('x.sqlite3-wal')
    expect(plain(memory)).toEqual({ 'x.sqlite3': 'data', 'x.sqlite3-wal': '' })

    const second = await open(memory.crash(), { fixed })
    expect(seen(second)).toEqual({ 'x.sqlite3': 'data' })
    const file = second.files.get('x.sqlite3')
    if (file) second.unlink(file)
    expect(seen(second)).toEqual({})
    first.close()
    second.close()
  })

  test('says EAGAIN when the spares are used up, and has new ones a moment later', async () => {
    for (let n = 0; n < 4; n += 1) disk.create(`f${n}`)

    expect(errnoFrom(() => disk.create('one more'))).toBe(6)
    await disk.settle()

    expect(errnoFrom(() => disk.create('one more'))).toBeNull()
  })

  test('says ENFILE at the limit of open handles', async () => {
    const small = await open(new MemoryOpfs(), { handles: 8 })
    for (let n = 0; n < 6; n += 1) {
      small.create(`f${n}`)
      await small.settle()
    }

    expect(small.handles).toBe(8)
    expect(errnoFrom(() => small.create('one more'))).toBe(41)
    small.close()
  })

  test('refuses a folder with more files than can be open', async () => {
    const memory = new MemoryOpfs()
    for (let n = 0; n < 9; n += 1) await memory.root.getFileHandle(`f${n}`, { create: true })

    await expect(open(memory, { handles: 8 })).rejects.toMatchObject({ code: 'too_many_files' })
    expect(memory.open).toBe(0)
  })

  test('waits for a handle that another worker holds, but not for ever', async () => {
    await expect(open(opfs)).rejects.toMatchObject({ code: 'opfs_locked' })

    setTimeout(() => disk.close(), 20)
    const next = await open(opfs)

    expect(next.handles).toBeGreaterThan(0)
    next.close()
  })

  test('frees every handle when it is closed', async () => {
    disk.create('x')
    const settling = disk.settle()

    disk.close()
    await settling

    expect(opfs.open).toBe(0)
  })

  test('changes no name when the disk is full or fails, and says why', async () => {
    write(disk.create('a'), 'A')
    await disk.settle()
    const before = seen(disk)
    const a = disk.files.get('a')
    if (!a) throw new Error('not there')

    for (const [name, errno] of [
      ['QuotaExceededError', 51],
      ['InvalidStateError', 29],
    ] as const) {
      opfs.onChange = (what) => {
        if (what.startsWith('write names-')) throw new DOMException('injected', name)
      }
      expect(errnoFrom(() => disk.create('b'))).toBe(errno)
      expect(errnoFrom(() => disk.rename(a, 'c'))).toBe(errno)
      expect(errnoFrom(() => disk.unlink(a))).toBe(errno)
      expect(errnoFrom(() => disk.makeDirectory('d'))).toBe(errno)
      expect(seen(disk)).toEqual(before)
    }
    opfs.onChange = () => {}
  })

  test('removes a file although the disk is full', async () => {
    const file = disk.create('big')
    write(file, 'x'.repeat(100_000))
    await disk.settle()
    opfs.quota = 100_000

    disk.unlink(file)

    expect(seen(disk)).toEqual({})
  })
})

describe('law 1: a crash at any change of the folder', () => {
  const script: readonly ((disk: Disk) => Promise<void> | void)[] = [
    (disk) => void disk.create('a'),
    (disk) => write(named(disk, 'a'), 'A'),
    (disk) => disk.settle(),
    (disk) => disk.makeDirectory('d'),
    (disk) => void disk.create('d/b'),
    (disk) => write(named(disk, 'd/b'), 'B'),
    (disk) => disk.rename(named(disk, 'a'), 'd/a'),
    (disk) => disk.settle(),
    (disk) => void disk.create('a'),
    (disk) => write(named(disk, 'a'), 'A2'),
    (disk) => disk.rename(named(disk, 'd/b'), 'd/c'),
    (disk) => disk.rename(named(disk, 'd/a'), 'd/b'),
    (disk) => disk.rename(named(disk, 'a'), 'd/b'),
    (disk) => disk.settle(),
    (disk) => disk.renameDirectory('d', 'e'),
    (disk) => disk.settle(),
    (disk) => disk.unlink(named(disk, 'e/b')),
    (disk) => void disk.create('e/b'),
    (disk) => write(named(disk, 'e/b'), 'B3'),
    (disk) => disk.rename(named(disk, 'e/c'), 'tmp'),
    (disk) => disk.rename(named(disk, 'e/b'), 'e/c'),
    (disk) => disk.rename(named(disk, 'tmp'), 'e/b'),
    (disk) => disk.settle(),
    (disk) => disk.unlink(named(disk, 'e/b')),
    (disk) => disk.rename(named(disk, 'e/c'), 'f'),
    (disk) => disk.removeDirectory('e'),
    (disk) => void disk.create('e'),
    (disk) => disk.settle(),
  ]

  function named(disk: Disk, name: string): StoredFile {
    const file = disk.files.get(name)
    if (!file) throw new Error(`no file ${name}`)
    return file
  }

  /** Run the script until change number *end*; return what was there before and after the last step. */
  async function run(opfs: MemoryOpfs, end: number): Promise<{ whole: boolean; step: number }> {
    const disk = await Disk.open(opfs.root, { patience: PATIENCE, spares: 6 })
    let count = 0
    const isOver = () => count >= end
    opfs.onChange = () => {
      count += 1
      if (isOver()) throw new DOMException('the power is gone', 'UnknownError')
    }
    let step = 0
    for (const action of script) {
      try {
        await action(disk)
      } catch (error) {
        if (!isOver()) throw error
      }
      if (isOver()) break
      step += 1
    }
    disk.close()
    return { whole: !isOver(), step }
  }

  async function statesOf(): Promise<object[]> {
    const disk = await Disk.open(new MemoryOpfs().root, { patience: PATIENCE, spares: 6 })
    const states: object[] = [seen(disk)]
    for (const action of script) {
      await action(disk)
      states.push(seen(disk))
    }
    disk.close()
    return states
  }

  test.each(['flushed', 'all'] as const)('loses no name and no byte, keeping %s', async (keep) => {
    const states = await statesOf()
    for (let end = 1; ; end += 1) {
      const opfs = new MemoryOpfs()
      const { whole, step } = await run(opfs, end)
      const after = opfs.crash(keep)

      const next = await Disk.open(after.root, { patience: PATIENCE, spares: 6 })
      const now = seen(next)
      await next.settle()

      expect(whole ? states.slice(-1) : states.slice(step, step + 2)).toContainEqual(now)
      expect(seen(next)).toEqual(now)
      const files = Object.entries(now).filter(([name]) => !name.endsWith('/'))
      expect(plain(after)).toEqual(Object.fromEntries(files))
      next.close()
      if (whole) break
    }
  })

  test('nor when names change while files get their places', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = seeded(seed)
      const one = (names: readonly string[]) => names[Math.floor(random() * names.length)] ?? ''
      const opfs = new MemoryOpfs()
      const disk = await Disk.open(opfs.root, { patience: PATIENCE, spares: 6 })
      const states: object[] = [seen(disk)]
      const cuts: { readonly disk: MemoryOpfs; readonly step: number }[] = []
      opfs.onChange = () => cuts.push({ disk: opfs.crash(), step: states.length - 1 })
      for (let step = 0; step < 40; step += 1) {
        changeName(disk, one)
        states.push(seen(disk))
        void disk.settle()
        for (let turns = random() * 12; turns > 0; turns -= 1) await turn()
      }
      await disk.settle()
      disk.close()

      for (const cut of cuts) {
        const next = await Disk.open(cut.disk.root, { patience: PATIENCE, spares: 6 })
        expect(states.slice(cut.step, cut.step + 2)).toContainEqual(seen(next))
        next.close()
      }
    }
  })

  const turn = () => new Promise((resolve) => setImmediate(resolve))

  /** Make, write, rename or remove one file or directory, whichever can be done. */
  function changeName(disk: Disk, one: (names: readonly string[]) => string): void {
    const name = one(['a', 'b', 'd', 'd', 'd/a'])
    const file = disk.files.get(name)
    const to = one(['a', 'b', 'gone'])
    const hasFolder = disk.directories.has('d')
    if (name === 'd' && hasFolder && !disk.files.has('d/a')) disk.removeDirectory('d')
    else if (name.startsWith('d') && !hasFolder) disk.makeDirectory('d')
    else if (name === 'd') return
    else if (!file) disk.create(name)
    else if (read(file) === '') write(file, one(['X', 'Y', 'Z']))
    else if (to === 'gone') disk.unlink(file)
    else disk.rename(file, to)
  }

  test('a crash in the repair of a crash loses nothing either', async () => {
    const states = await statesOf()
    for (let end = 1; ; end += 1) {
      const opfs = new MemoryOpfs()
      const { whole, step } = await run(opfs, end)
      const crashed = opfs.crash()
      for (let second = 1; ; second += 1) {
        const again = crashed.crash()
        let count = 0
        again.onChange = () => {
          count += 1
          if (count >= second) throw new DOMException('the power is gone', 'UnknownError')
        }
        const repaired = await Disk.open(again.root, { patience: PATIENCE, spares: 1 }).catch(
          () => null,
        )
        repaired?.close()

        const next = await Disk.open(again.crash().root, { patience: PATIENCE, spares: 1 })
        expect(whole ? states.slice(-1) : states.slice(step, step + 2)).toContainEqual(seen(next))
        next.close()
        if (count < second) break
      }
      if (whole) break
    }
  })
})
