import { describe, expect, test } from 'vitest'
import { encodeInput } from '../../../web/core/encode-input'
import type { BlobRef } from '../../../web/core/types'

const stored: string[] = []

const putBlob = async (file: Blob, name = 'blob'): Promise<BlobRef> => {
  stored.push(name)
  return { sha256: await file.text(), size: file.size, name, mediaType: file.type }
}

const encode = (input: unknown) => encodeInput(input, putBlob)

describe('JSON', () => {
  test.each([
    [null, null],
    [undefined, null],
    [0.5, 0.5],
    ['語', '語'],
    [
      [1, undefined, [true]],
      [1, null, [true]],
    ],
    [{ a: { b: undefined, c: 1 } }, { a: { c: 1 } }],
    [{ at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%j becomes %j', async (input, expected) => {
    expect(await encode(input)).toEqual(expected)
  })

  test('an object that stands in two places is no cycle', async () => {
    const shared = { a: 1 }

    expect(await encode([shared, shared])).toEqual([{ a: 1 }, { a: 1 }])
  })
})

describe('what has no JSON form', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle

  test.each([
    [{ rows: [1, Number.NaN] }, 'input.rows.1 is NaN', ['rows', 1]],
    [{ size: 10n }, 'input.size is a bigint', ['size']],
    [{ done: () => undefined }, 'input.done is a function', ['done']],
    [new Map(), 'input is a Map', []],
    [{ names: new Set(['a']) }, 'input.names is a Set', ['names']],
    [cycle, 'input.self is an object that contains itself', ['self']],
  ])('is an error that names its path: %#', async (input, message, path) => {
    await expect(encode(input)).rejects.toMatchObject({
      code: 'not_serializable',
      message: expect.stringContaining(message),
      problems: [{ path }],
    })
  })

  test('is found before any file is stored', async () => {
    stored.length = 0

    await expect(encode({ file: new Blob(['x']), size: 1n })).rejects.toThrow('input.size')
    expect(stored).toEqual([])
  })
})

describe('files', () => {
  test('are stored under their names and replaced where they stand', async () => {
    const file = new File(['rows'], 'rows.csv', { type: 'text/csv' })

    expect(await encode({ file, more: [{ deep: new Blob(['blob']) }], n: 1 })).toEqual({
      file: { sha256: 'rows', size: 4, name: 'rows.csv', mediaType: 'text/csv' },
      more: [{ deep: { sha256: 'blob', size: 4, name: 'blob', mediaType: '' } }],
      n: 1,
    })
  })

  test('may be given as their bytes', async () => {
    const bytes = new TextEncoder().encode('two bytes of which count')

    expect(await encode([bytes.subarray(0, 3), bytes.buffer.slice(0, 5)])).toMatchObject([
      { sha256: 'two', size: 3, name: 'blob' },
      { sha256: 'two b', size: 5 },
    ])
  })

  test('may be the whole input', async () => {
    expect(await encode(new File(['x'], 'x.txt'))).toMatchObject({ sha256: 'x', name: 'x.txt' })
  })
})
