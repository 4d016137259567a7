/** What the tests of a disk write, read and expect. */

import type { Disk } from '../../../web/opfs/disk'
import { errnoOf } from '../../../web/opfs/errno'
import type { StoredFile } from '../../../web/opfs/name-table'
import type { MemoryOpfs } from './memory-opfs'

export const PATIENCE = { longest: 50, pause: 5 }

export function write(file: StoredFile, text: string): void {
  file.backing.handle?.write(new TextEncoder().encode(text), { at: 0 })
  file.backing.handle?.flush()
}

export function read(file: StoredFile | undefined): string | undefined {
  const handle = file?.backing.handle
  if (!handle) return undefined
  const bytes = new Uint8Array(handle.getSize())
  handle.read(bytes, { at: 0 })
  return new TextDecoder().decode(bytes)
}

export function errnoFrom(action: () => void): number | null {
  try {
    action()
    return null
  } catch (error) {
    return errnoOf(error)
  }
}

/** What a program sees: every name with its text, and every directory. */
export function seen(disk: Disk): Record<string, string | undefined> {
  const files = [...disk.files].map(([name, file]) => [name, read(file)] as const)
  const directories = [...disk.directories].map((name) => [`${name}/`, ''] as const)
  return Object.fromEntries([...files, ...directories].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What lies in the folder under plain names. */
export function plain(opfs: MemoryOpfs): Record<string, string> {
  const entries = [...opfs.tree()].filter(([path]) => !path.startsWith('.durably/'))
  return Object.fromEntries(entries.map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]))
}
