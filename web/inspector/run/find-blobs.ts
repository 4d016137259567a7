/** The files that a value refers to. */

import type { BlobRef, Json } from '../../core/index'

/** Return every `BlobRef` anywhere in *values*, each file once. */
export function findBlobs(...values: readonly Json[]): readonly BlobRef[] {
  const found = new Map<string, BlobRef>()
  const waiting: Json[] = [...values].reverse()
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (value === null || typeof value !== 'object') continue
    const ref = asBlobRef(value)
    if (ref === null) waiting.push(...Object.values(value).reverse())
    else if (!found.has(ref.sha256)) found.set(ref.sha256, ref)
  }
  return [...found.values()]
}

function asBlobRef(value: object): BlobRef | null {
  if (!('sha256' in value) || !('size' in value)) return null
  const { sha256, size } = value
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null
  if (typeof size !== 'number') return null
  const name = 'name' in value && typeof value.name === 'string' ? value.name : ''
  const mediaType =
    'mediaType' in value && typeof value.mediaType === 'string' ? value.mediaType : ''
  return { sha256, size, name, mediaType }
}
