// @vitest-environment node
/** No name that a job gives keeps anyone from the store, or costs another file its bytes. */

import { beforeEach, describe, expect, test } from 'vitest'
import { Disk, type DiskOptions } from '../../../web/opfs/disk'
import { errnoFrom, PATIENCE, plain, seen, write } from '../support/disk-support'
import { MemoryOpfs } from '../support/memory-opfs'

const REFUSED = 'C:\\fakepath\\x.csv'
const FIXED = ['app.sqlite3', 'app.sqlite3-journal', 'app.sqlite3-wal']

describe('a name', () => {
  let faults: unknown[]

  const open = (opfs: MemoryOpfs, options: DiskOptions = {}) =>
    Disk.open(opfs.root, {
      patience: PATIENCE,
      spares: 4,
      onFault: (error) => void faults.push(error),
      ...options,
    })

  beforeEach(() => {
    faults = []
  })

  test('that the browser refuses stops neither other files nor the next mount', async () => {
    let opfs = new MemoryOpfs()
    let disk = await open(opfs)
    disk.makeDirectory('a\\b')
    write(disk.create('a\\b/x'), 'in it')
    write(disk.create(REFUSED), 'refused')
    write(disk.create('fine'), 'fine')
    const all = { 'a\\b/': '', 'a\\b/x': 'in it', [REFUSED]: 'refused', fine: 'fine' }

    await disk.settle()
    expect(plain(opfs)).toEqual({ fine: 'fine' })
    for (let mount = 0; mount < 2; mount += 1) {
      // Each name is told of once.
      expect(faults).toMatchObject([{ code: 'storage_io' }, { code: 'storage_io' }])
      expect(seen(disk)).toEqual(all)
      await disk.settle()
      faults = []
      disk.close()
      opfs = opfs.crash()
      disk = await open(opfs)
    }

    const file = disk.files.get(REFUSED)
    if (file) disk.rename(file, 'x.csv')
    disk.renameDirectory('a\\b', 'b')
    await disk.settle()
    expect(plain(opfs)).toEqual({ fine: 'fine', 'x.csv': 'refused', 'b/x': 'in it' })
    disk.close()
  })

  test('of the engine is given to no directory and no other file', async () => {
    const opfs = new MemoryOpfs()
    const disk = await open(opfs, { fixed: FIXED, scratch: ['.probe'] })
    disk.makeDirectory('d')
    const file = disk.create('f')

    for (const name of [...FIXED, '.probe']) {
      expect(errnoFrom(() => disk.makeDirectory(name))).toBe(63)
      expect(errnoFrom(() => disk.renameDirectory('d', name))).toBe(63)
      expect(errnoFrom(() => disk.rename(file, name))).toBe(63)
    }

    expect(seen(disk)).toEqual({ 'd/': '', f: '' })
    disk.close()
    const next = await open(opfs, { fixed: FIXED, scratch: ['.probe'] })
    expect(seen(next)).toEqual({ 'd/': '', f: '' })
    next.close()
  })

  test('law 1: that differs in capitals only is another file, also where the browser sees one', async () => {
    let opfs = new MemoryOpfs()
    opfs.ignoresCase = true
    let disk = await open(opfs, { fixed: FIXED })
    write(disk.create('app.sqlite3'), 'every run')
    write(disk.create('App.sqlite3'), 'not one')
    disk.makeDirectory('d')
    disk.makeDirectory('D')
    write(disk.create('d/x'), 'small')
    write(disk.create('D/x'), 'large')
    const all = seen(disk)

    for (let mount = 0; mount < 2; mount += 1) {
      await disk.settle()
      expect(seen(disk)).toEqual(all)
      expect(plain(opfs)['app.sqlite3']).toBe('every run')
      disk.close()
      opfs = opfs.crash()
      disk = await open(opfs, { fixed: FIXED })
      expect(seen(disk)).toEqual(all)
    }
    disk.close()
  })
})

describe('what an earlier worker could not finish', () => {
  test('keeps no one from the store, and is finished when the fault is over', async () => {
    const first = new MemoryOpfs()
    const disk = await Disk.open(first.root, { patience: PATIENCE, spares: 4 })
    disk.makeDirectory('d')
    write(disk.create('d/x'), 'safe')
    const opfs = first.crash()
    disk.close()
    const faults: unknown[] = []
    const onFault = (error: unknown) => void faults.push(error)
    opfs.onChange = (what) => {
      if (what.startsWith('mkdir d')) throw new DOMException('injected', 'UnknownError')
    }

    const next = await Disk.open(opfs.root, { patience: PATIENCE, spares: 4, onFault })
    expect(seen(next)).toEqual({ 'd/': '', 'd/x': 'safe' })
    expect(faults).toMatchObject([{ message: 'injected' }])
    opfs.onChange = () => {}
    await next.settle()

    expect(plain(opfs)).toEqual({ 'd/x': 'safe' })
    next.close()
  })

  test('is still its own: a directory that could not be removed can be made again', async () => {
    const opfs = new MemoryOpfs()
    const disk = await Disk.open(opfs.root, { patience: PATIENCE, spares: 4 })
    disk.makeDirectory('d')
    await disk.settle()
    opfs.onChange = (what) => {
      if (what === 'remove d') throw new DOMException('injected', 'UnknownError')
    }
    disk.removeDirectory('d')
    await disk.settle()

    disk.makeDirectory('d')
    write(disk.create('d/x'), 'x')
    await disk.settle()

    expect(plain(opfs)).toEqual({ 'd/x': 'x' })
    disk.close()
  })
})
