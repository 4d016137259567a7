// @vitest-environment node
/** A store that has as many files as a browser keeps open: it works, and it opens again. */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Disk, type DiskOptions } from '../../../web/opfs/disk'
import { openStorage } from '../../../web/spa/worker/storage'
import { errnoFrom, PATIENCE, seen, write } from '../support/disk-support'
import { MemoryLocks } from '../support/memory-locks'
import { MemoryOpfs } from '../support/memory-opfs'

const EAGAIN = 6
const ENFILE = 41
/** As many as Safari opens for an origin. */
const SAFARI = 252

/** Make files until there is no room for another; return how many there are. */
async function fill(disk: Disk): Promise<number> {
  for (let count = 0; ; ) {
    const errno = errnoFrom(() => disk.create(`f${count}`))
    if (errno === null) count += 1
    else if (errno === ENFILE) return count
    else await disk.settle()
  }
}

describe('a disk at its limit', () => {
  const LIMIT = 14
  const options: DiskOptions = { patience: PATIENCE, spares: 4, handles: LIMIT }

  test('opens again after an end at any moment of settling', async () => {
    const opfs = new MemoryOpfs()
    const disk = await Disk.open(opfs.root, options)
    const files = await fill(disk)
    const cuts: MemoryOpfs[] = []
    opfs.onChange = () => void cuts.push(opfs.crash('all'))
    await disk.settle()
    disk.close()

    expect(cuts.length).toBeGreaterThan(20)
    for (const cut of cuts) {
      const next = await Disk.open(cut.root, options)
      expect(next.files.size).toBe(files)
      expect(next.handles).toBe(LIMIT)
      expect(cut.mostOpen).toBe(LIMIT)
      next.close()
    }
  })

  test('has one more file open at most, and gives a name to each', async () => {
    const opfs = new MemoryOpfs()
    const disk = await Disk.open(opfs.root, options)

    const files = await fill(disk)
    await disk.settle()

    expect(opfs.mostOpen).toBe(LIMIT + 1)
    expect([...opfs.tree().keys()].filter((path) => /^f\d+$/.test(path))).toHaveLength(files)
    disk.close()
  })

  /** Do *action* again and again while *disk* settles. */
  async function during(settling: Promise<void>, action: () => void): Promise<void> {
    let isOver = false
    const over = settling.then(() => {
      isOver = true
    })
    while (!isOver) {
      action()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await over
  }

  test('takes no file while it settles that the next mount could not open', async () => {
    const disk = await Disk.open(new MemoryOpfs().root, options)
    const files = await fill(disk)

    const errors = new Set<number | null>()
    await during(disk.settle(), () => errors.add(errnoFrom(() => disk.create('one more'))))

    expect(errors).toEqual(new Set([ENFILE]))
    expect(disk.files.size).toBe(files)
    disk.close()
  })

  test('has no more open when files change their names while they get their places', async () => {
    const opfs = new MemoryOpfs()
    const disk = await Disk.open(opfs.root, options)
    await fill(disk)

    let count = 0
    await during(disk.settle(), () => {
      if (count >= 40) return
      for (const file of [...disk.files.values()]) disk.rename(file, `r${count}-${file.name}`)
      count += 1
    })
    await disk.settle()

    expect(opfs.mostOpen).toBe(LIMIT + 1)
    expect([...opfs.tree().keys()].filter((path) => path.startsWith('r'))).toHaveLength(
      disk.files.size,
    )
    disk.close()
  })

  test('has room for what every start makes, and drops what lies under those names', async () => {
    const scratch = ['.probe', '.probe-journal', '.probe-wal']
    let opfs = new MemoryOpfs()
    let disk = await Disk.open(opfs.root, { ...options, scratch })
    const files = await fill(disk)
    await disk.settle()

    for (let mount = 0; mount < 3; mount += 1) {
      disk.close()
      opfs = opfs.crash('all')
      disk = await Disk.open(opfs.root, { ...options, scratch })
      expect(disk.files.size).toBe(files)
      for (const name of scratch) {
        const file = disk.create(name)
        expect(file.backing.handle?.getSize()).toBe(0)
        write(file, 'no database')
      }
      // Now with a plain name of their own, now without.
      if (mount === 1) await disk.settle()
    }
    disk.close()
  })

  test('gives a start an empty file, also when what a cut one left cannot be removed', async () => {
    const first = new MemoryOpfs()
    const left = await Disk.open(first.root, options)
    const scratch = ['.probe', '.probe-wal']
    for (const name of scratch) write(left.create(name), 'no database')
    await left.settle()
    left.close()
    const opfs = first.crash()
    opfs.onChange = (what) => {
      if (what.startsWith('remove')) throw new DOMException('injected', 'UnknownError')
    }

    const disk = await Disk.open(opfs.root, { ...options, scratch })

    expect(seen(disk)).toEqual({})
    for (const name of scratch) expect(disk.create(name).backing.handle?.getSize()).toBe(0)
    disk.close()
  })

  test('has no more open when new spares could not all be made', async () => {
    const opfs = new MemoryOpfs()
    const disk = await Disk.open(opfs.root, { ...options, spares: 8 })
    let failed = 0
    opfs.onChange = (what) => {
      if (!what.startsWith('create spare') || failed > 0) return
      failed += 1
      throw new DOMException('injected', 'UnknownError')
    }
    for (let n = 0; n < 6; n += 1) disk.create(`f${n}`)

    await Promise.all([disk.settle(), disk.settle()])

    expect(failed).toBe(1)
    expect(opfs.mostOpen).toBeLessThanOrEqual(LIMIT + 1)
    disk.close()
  })
})

test('a whole store keeps to what Safari opens, and boots when it is full', async () => {
  const opfs = new MemoryOpfs()
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('navigator', {
    locks: new MemoryLocks(),
    storage: { getDirectory: async () => opfs.root },
  })
  vi.stubGlobal('FileSystemFileHandle', { prototype: { createSyncAccessHandle: () => {} } })
  try {
    const first = await openStorage('app', () => {}, PATIENCE)
    const files = await fill(first.disk)
    await first.disk.settle()
    first.close()
    const second = await openStorage('app', () => {}, PATIENCE)

    // As `probe_commit` does it.
    for (const suffix of ['', '-journal', '-wal']) second.disk.create(`.probe.sqlite3${suffix}`)
    second.disk.create('durably.sqlite3')

    expect(files).toBeGreaterThan(220)
    expect(opfs.mostOpen).toBeLessThan(SAFARI)
    second.close()
  } finally {
    vi.unstubAllGlobals()
  }
})

describe('after a settle that failed', () => {
  let opfs: MemoryOpfs
  let disk: Disk

  beforeEach(async () => {
    opfs = new MemoryOpfs()
    disk = await Disk.open(opfs.root, { patience: PATIENCE, spares: 4 })
  })

  afterEach(() => disk.close())

  /** Let the settle of *name* find a disk that is full, for that once. */
  async function failOnce(what: string, name: string): Promise<void> {
    let failed = false
    opfs.onChange = (change) => {
      if (!change.startsWith(what)) return
      failed = true
      throw new DOMException('injected', 'QuotaExceededError')
    }
    disk.create(name)
    await vi.waitFor(() => expect(failed).toBe(true))
    // The rest of the settle, which puts the next one off.
    await disk.settle()
    opfs.onChange = () => {}
  }

  test('the next change settles soon', async () => {
    await failOnce('create one', 'one')

    disk.create('two')

    await vi.waitFor(() => expect([...opfs.tree().keys()]).toContain('two'))
    expect([...opfs.tree().keys()]).toContain('one')
  })

  test('a job that awaits has new files soon', async () => {
    for (let n = 0; n < 3; n += 1) disk.create(`f${n}`)
    await failOnce('create', 'f3')
    expect(errnoFrom(() => disk.create('f4'))).toBe(EAGAIN)

    await vi.waitFor(() => expect(errnoFrom(() => disk.create('f4'))).toBeNull())

    expect(Object.keys(seen(disk))).toHaveLength(5)
  })
})
