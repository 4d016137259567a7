/** What is joined, and that nothing else can tell. */

import { beforeEach, describe, expect, test } from 'vitest'
import { LogWriter } from '../../../web/opfs/log-writer'
import { MemoryOpfs } from '../support/memory-opfs'

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value)

describe('the writer of the log', () => {
  let opfs: MemoryOpfs
  let handle: FileSystemSyncAccessHandle
  let log: LogWriter
  let changes: string[]

  beforeEach(async () => {
    opfs = new MemoryOpfs()
    const file = await opfs.root.getFileHandle('x-wal', { create: true })
    handle = await file.createSyncAccessHandle()
    log = new LogWriter()
    changes = []
    opfs.onChange = (what) => changes.push(what)
  })

  function read(length: number, at = 0): number[] {
    const into = new Uint8Array(length)
    return [...into.subarray(0, handle.read(into, { at }))]
  }

  test('makes one write of those that follow each other', () => {
    log.write(handle, bytes(2, 1), 0)
    log.write(handle, bytes(3, 2), 2)
    changes.length = 0
    log.settle(handle)

    expect(changes).toHaveLength(1)
    expect(read(5)).toEqual([1, 1, 2, 2, 2])
  })

  test('writes what is held before a write elsewhere', () => {
    log.write(handle, bytes(2, 1), 0)
    log.write(handle, bytes(2, 2), 100)
    log.write(handle, bytes(2, 3), 1)
    log.settle(handle)

    expect(read(4)).toEqual([1, 3, 3, 0])
    expect(read(2, 100)).toEqual([2, 2])
  })

  test('takes more than it can hold', () => {
    log.write(handle, bytes(10, 1), 0)
    expect(log.write(handle, bytes(600_000, 2), 10)).toBe(600_000)
    log.write(handle, bytes(10, 3), 600_010)
    log.settle(handle)

    expect(read(3, 9)).toEqual([1, 2, 2])
    expect(read(3, 600_008)).toEqual([2, 2, 3])
  })

  test('holds nothing that may not fit, so that its write tells', () => {
    opfs.quota = 10
    expect(log.write(handle, bytes(8, 1), 0)).toBe(8)
    expect(read(8)).toEqual([...bytes(8, 1)])
    expect(() => log.write(handle, bytes(8, 2), 8)).toThrow()
  })

  test('writes nothing for the sake of another file', async () => {
    const other = await opfs.root.getFileHandle('x', { create: true })
    log.write(handle, bytes(2, 1), 0)
    changes.length = 0

    log.settle(await other.createSyncAccessHandle())

    expect(changes).toEqual([])
    log.settle(handle)
    expect(read(2)).toEqual([1, 1])
  })

  test.each(['write', 'flush'] as const)(
    'keeps what could not be written for a read until the next %s, which is told',
    (next) => {
      const failing = () => {
        throw new DOMException('injected', 'UnknownError')
      }
      const goOn = () => (next === 'flush' ? log.flush(handle) : log.write(handle, bytes(1, 2), 2))
      log.write(handle, bytes(2, 1), 0)
      opfs.onChange = failing
      expect(() => log.settle(handle)).toThrow('injected')
      opfs.onChange = () => {}
      goOn()
      expect(read(2)).toEqual([1, 1])

      log.flush(handle)
      log.write(handle, bytes(2, 3), 0)
      opfs.onChange = failing
      expect(() => log.settle(handle)).toThrow('injected')
      expect(goOn).toThrow('injected')
      opfs.onChange = () => {}
      goOn()
      expect(read(2)).toEqual([1, 1])
    },
  )

  test('loses nothing of one file when the next write is to another', async () => {
    const file = await opfs.root.getFileHandle('y-wal', { create: true })
    const other = await file.createSyncAccessHandle()
    log.write(handle, bytes(2, 1), 0)
    opfs.onChange = () => {
      throw new DOMException('injected', 'UnknownError')
    }
    expect(() => log.write(other, bytes(2, 2), 0)).toThrow('injected')
    opfs.onChange = () => {}

    log.flush(handle)

    expect(read(2)).toEqual([1, 1])
  })

  test('forgets what could not be written, and holds nothing until a flush went well', () => {
    log.write(handle, bytes(2, 1), 0)
    opfs.onChange = () => {
      throw new DOMException('injected', 'UnknownError')
    }
    expect(() => log.flush(handle)).toThrow('injected')
    expect(() => log.write(handle, bytes(2, 1), 0)).toThrow('injected')
    opfs.onChange = (what) => changes.push(what)
    changes.length = 0
    log.settle(handle)
    expect(changes).toEqual([])

    changes.length = 0
    log.write(handle, bytes(2, 2), 0)
    expect(changes).toHaveLength(1)
    log.flush(handle)
    changes.length = 0
    log.write(handle, bytes(2, 3), 0)
    expect(changes).toEqual([])
  })
})
