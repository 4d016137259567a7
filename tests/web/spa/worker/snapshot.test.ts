/** A snapshot made and restored by the real Pyodide, under Node, on memory instead of a disk. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient } from '../../../../web/core/client'
import type { SnapshotNotice } from '../../../../web/spa/bridge/protocol'
import { createWorkerTransport } from '../../../../web/spa/page/worker-transport'
import { keepSnapshot } from '../../../../web/spa/worker/memory/errand'
import { SnapshotPlace } from '../../../../web/spa/worker/memory/kept'
import type { Manifest } from '../../../../web/spa/worker/python/manifest'
import { MemoryOpfs } from '../../support/memory-opfs'
import { buildManifest, NodeWorker, stubWorkerGlobals } from '../../support/node-worker'

describe('a memory snapshot', () => {
  let manifestUrl: string
  let manifest: Manifest
  /** What the snapshot's worker has left. */
  let kept: MemoryOpfs
  const told: SnapshotNotice[] = []
  let opfs: MemoryOpfs

  beforeAll(async () => {
    manifestUrl = buildManifest()
    manifest = JSON.parse(readFileSync(fileURLToPath(manifestUrl), 'utf8'))
    kept = new MemoryOpfs()
    stubWorkerGlobals(kept)
    await keepSnapshot(manifestUrl, (notice) => told.push(notice))
  }, 60_000)

  beforeEach(() => {
    opfs = kept.crash()
  })

  afterEach(() => vi.unstubAllGlobals())

  /** Boot, do *work*, close; return what the boot said and what *work* gave. */
  async function boot<T>(work: (client: DurablyClient) => Promise<T>, snapshot = true) {
    stubWorkerGlobals(opfs)
    const notices: SnapshotNotice[] = []
    const transport = createWorkerTransport(
      NodeWorker.makes(await NodeWorker.start()),
      { manifestUrl, store: 'test', snapshot },
      { onSnapshot: (notice) => notices.push(notice) },
    )
    const client = new DurablyClient(transport)
    const info = await transport.ready
    const result = await work(client)
    await client.close()
    return { info, notices, result }
  }

  const nothing = async () => {}

  const files = () => [...opfs.tree().keys()].filter((path) => path.startsWith('durably-snapshots'))

  async function damage(change: (bytes: Uint8Array) => Uint8Array) {
    const folder = await opfs.root.getDirectoryHandle('durably-snapshots')
    for await (const [, entry] of folder.entries()) {
      if (entry.kind !== 'file') continue
      const bytes = change(new Uint8Array(await (await entry.getFile()).arrayBuffer()))
      const handle = await entry.createSyncAccessHandle()
      handle.truncate(0)
      handle.write(bytes as Uint8Array<ArrayBuffer>, { at: 0 })
      handle.flush()
      handle.close()
    }
  }

  test('holds pydantic, the engine and the jobs, and a boot from it runs them', async () => {
    const file = new File(['name,age\nZoë,7\n"Smith, J",81\n'], 'people.csv', { type: 'text/csv' })

    const { info, notices, result } = await boot((client) =>
      client.triggerAndWait('import-csv', { file }),
    )

    expect(told).toMatchObject([{ state: 'made' }])
    expect(notices).toEqual([])
    expect(info.bootedFrom).toBe('snapshot')
    expect(result.output).toMatchObject({ imported: 2 })
    expect(opfs.open).toBe(0)
  }, 60_000)

  test('law 8: two boots from it give different ids and different random numbers', async () => {
    const chances = async (client: DurablyClient) => {
      const { output } = await client.triggerAndWait('chance', null)
      return output
    }

    const first = await boot(chances)
    const second = await boot(chances)

    expect([first.info.bootedFrom, second.info.bootedFrom]).toEqual(['snapshot', 'snapshot'])
    const one = Object(first.result)
    const other = Object(second.result)
    expect(Object.keys(one).sort()).toEqual(['id', 'random', 'sqlite', 'urandom'])
    for (const key of Object.keys(one)) expect(one[key], key).not.toBe(other[key])
  }, 60_000)

  test('law 10: a damaged one is removed, said to be, and the boot is a plain one', async () => {
    await damage((bytes) => {
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
      return bytes
    })

    const { info, notices } = await boot(nothing)

    expect(info.bootedFrom).toBe('parts')
    expect(notices).toMatchObject([{ state: 'unusable', error: { code: 'snapshot_unusable' } }])
    expect(files()).toEqual([])
  }, 60_000)

  test.each([
    ['shorter bytes', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 100_000)],
    ['bytes whose end was not written', (bytes: Uint8Array) => bytes.subarray(0, -16)],
    ['an empty file', () => new Uint8Array()],
  ])('%s: no snapshot', async (_name, change) => {
    await damage(change)

    stubWorkerGlobals(opfs)
    const place = await SnapshotPlace.open(manifestUrl, manifest.buildId)

    await expect(place.find()).rejects.toThrow('not written to its end')
  })

  test('of another build is none, and goes when the next is kept', async () => {
    stubWorkerGlobals(opfs)
    const place = await SnapshotPlace.open(manifestUrl, 'another build')
    expect(await place.find()).toBeNull()

    await place.refuse(new Error('a job keeps a file open'))

    expect(await place.find()).toEqual({ refused: 'a job keeps a file open' })
    expect(files()).toHaveLength(1)
  })

  test('law 10: is not kept when it does not fit, and says so', async () => {
    const full = new MemoryOpfs()
    full.quota = 1_000_000
    stubWorkerGlobals(full)

    const notices: SnapshotNotice[] = []
    await keepSnapshot(manifestUrl, (notice) => notices.push(notice))

    expect(notices).toMatchObject([
      { state: 'refused', error: { message: expect.stringContaining('full') } },
    ])
    expect([...full.tree().keys()]).toEqual([])
  }, 60_000)

  test("stays when it is Python's own files that are out of reach", async () => {
    stubWorkerGlobals(opfs)
    const { fetch } = globalThis
    const missing = { ...manifest, pyodide: { ...manifest.pyodide, base: 'away/' } }
    vi.stubGlobal('fetch', async (url: string) =>
      url === manifestUrl ? Response.json(missing) : fetch(url),
    )
    const notices: SnapshotNotice[] = []
    const transport = createWorkerTransport(
      NodeWorker.makes(await NodeWorker.start()),
      { manifestUrl, store: 'test' },
      { onSnapshot: (notice) => notices.push(notice) },
    )

    await expect(transport.ready).rejects.toMatchObject({
      code: 'boot_failed',
      message: expect.stringMatching(/away\/pyodide.*could not be loaded/),
    })

    expect(notices).toEqual([])
    expect(files()).toHaveLength(1)
  }, 60_000)

  test('is not used when the app does not want it', async () => {
    const { info, notices } = await boot(nothing, false)

    expect(info.bootedFrom).toBe('parts')
    expect(notices).toEqual([])
    expect(files()).toHaveLength(1)
  }, 60_000)
})
