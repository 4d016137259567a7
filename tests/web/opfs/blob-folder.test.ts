import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { BlobFolder } from '../../../web/opfs/blob-folder'
import { MemoryOpfs } from '../support/memory-opfs'

const PATIENCE = { longest: 50, pause: 5 }

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const textOf = async (folder: BlobFolder, name: string) => (await folder.find(name))?.text()

describe('a folder of blobs', () => {
  let opfs: MemoryOpfs
  let blobs: BlobFolder

  beforeEach(async () => {
    opfs = new MemoryOpfs()
    blobs = await BlobFolder.open(opfs.root, { patience: PATIENCE })
  })

  test('names a file by its content and finds it after a crash', async () => {
    const text = 'a,b\n'.repeat(100_000)
    const ref = await blobs.put(new File([text], 'x.csv', { type: 'text/csv' }), 'x.csv')

    expect(ref).toEqual({
      sha256: sha256(text),
      size: 400_000,
      name: 'x.csv',
      mediaType: 'text/csv',
    })
    const next = await BlobFolder.open(opfs.crash().root, { patience: PATIENCE })
    expect(await textOf(next, ref.sha256)).toBe(text)
  })

  test('keeps the same content once, also when it comes twice at a time', async () => {
    const refs = await Promise.all([
      blobs.put(new Blob(['same']), 'one'),
      blobs.put(new Blob(['same']), 'two'),
    ])

    expect(refs.map(({ name }) => name)).toEqual(['one', 'two'])
    expect([...opfs.tree().keys()]).toEqual([sha256('same')])
    expect(await textOf(blobs, sha256('same'))).toBe('same')
  })

  test('says quota_exceeded when a file does not fit, and takes no space', async () => {
    opfs.quota = 10

    await expect(blobs.put(new Blob(['x'.repeat(11)]), 'big.csv')).rejects.toMatchObject({
      code: 'quota_exceeded',
      message: expect.stringContaining('big.csv'),
    })

    expect(opfs.tree().size).toBe(0)
    expect(opfs.open).toBe(0)
    await expect(blobs.put(new Blob(['fits']), 'small')).resolves.toMatchObject({ size: 4 })
  })

  test('says blob_failed when the file cannot be read', async () => {
    const file = new Blob(['x'])
    file.stream = () =>
      new ReadableStream({
        start: (controller) =>
          controller.error(new DOMException('it was changed', 'NotReadableError')),
      })

    await expect(blobs.put(file, 'gone.csv')).rejects.toMatchObject({ code: 'blob_failed' })

    expect(opfs.tree().size).toBe(0)
  })

  test('removes what a killed worker was writing', async () => {
    await opfs.root.getFileHandle('incoming-1', { create: true })

    await BlobFolder.open(opfs.root, { patience: PATIENCE })

    expect(opfs.tree().size).toBe(0)
  })
})
