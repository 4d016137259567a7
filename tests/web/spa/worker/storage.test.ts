import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openStorage } from '../../../../web/spa/worker/storage'
import { MemoryLocks } from '../../support/memory-locks'
import { MemoryOpfs } from '../../support/memory-opfs'

const PATIENCE = { longest: 50, pause: 5 }

describe('the storage of a store', () => {
  let opfs: MemoryOpfs
  let locks: MemoryLocks
  let getDirectory: () => Promise<FileSystemDirectoryHandle>

  beforeEach(() => {
    opfs = new MemoryOpfs()
    locks = new MemoryLocks()
    getDirectory = async () => opfs.root
    vi.stubGlobal('isSecureContext', true)
    vi.stubGlobal('navigator', { locks, storage: { getDirectory: () => getDirectory() } })
    vi.stubGlobal('FileSystemFileHandle', { prototype: { createSyncAccessHandle: () => {} } })
  })

  afterEach(() => vi.unstubAllGlobals())

  const open = (store = 'app') => openStorage(store, () => {}, PATIENCE)

  test('is a folder of its own with the database under its plain names', async () => {
    const storage = await open()
    storage.close()

    const names = [...opfs.tree().keys()]
      .filter((path) => !/\/(\.durably|blobs)\//.test(path))
      .sort()
    expect(names).toEqual([
      'app/durably.sqlite3',
      'app/durably.sqlite3-journal',
      'app/durably.sqlite3-wal',
    ])
  })

  test('law 4: has one owner; the next one gets it when the first has closed', async () => {
    const first = await open()
    await expect(open()).rejects.toMatchObject({ code: 'opfs_locked' })

    first.close()
    const second = await open()

    expect(locks.held).toEqual(new Set(['durably:app']))
    second.close()
  })

  test('gives lock and handles back when it is closed', async () => {
    const storage = await open()
    storage.close()

    expect(opfs.open).toBe(0)
    await vi.waitFor(() => expect(locks.held.size).toBe(0))
  })

  test('law 10: is refused, with the reason, where there is no private file system', async () => {
    getDirectory = async () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    }
    await expect(open()).rejects.toMatchObject({
      code: 'opfs_unavailable',
      message: expect.stringContaining('private window'),
    })
    await vi.waitFor(() => expect(locks.held.size).toBe(0))

    vi.stubGlobal('navigator', { locks })
    await expect(open()).rejects.toMatchObject({ code: 'opfs_unavailable' })

    vi.stubGlobal('isSecureContext', false)
    await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('https') })
  })

  test('says quota_exceeded on a full disk and keeps nothing open', async () => {
    opfs.quota = 100

    await expect(open()).rejects.toMatchObject({ code: 'quota_exceeded' })

    expect(opfs.open).toBe(0)
  })

  test('takes no name that is not one of a folder', async () => {
    for (const name of ['', '.', '..', 'a/b']) {
      await expect(open(name)).rejects.toMatchObject({ code: 'boot_failed' })
    }
  })
})
