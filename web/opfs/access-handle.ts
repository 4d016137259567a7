/** Open files of the origin's private file system for synchronous use. */

import { DurablyError } from '../core/errors'
import { isNamed } from './errno'

/** `move` is in every browser that has access handles, and in no library of types. */
export interface MovableFile extends FileSystemFileHandle {
  move?(directory: FileSystemDirectoryHandle, name: string): Promise<void>
}

/** How long an open file is waited for, in milliseconds. */
export interface Patience {
  readonly longest: number
  readonly pause: number
}

export const PATIENCE: Patience = { longest: 5_000, pause: 25 }

/** Open *file* exclusively; while another worker has it open, wait, but not for ever. */
export function openAccessHandle(
  file: FileSystemFileHandle,
  patience: Patience,
): Promise<FileSystemSyncAccessHandle> {
  return patiently(file.name, patience, () => file.createSyncAccessHandle())
}

/** Do *action*; while another worker keeps the file *name* open, do it again. */
export async function patiently<T>(
  name: string,
  patience: Patience,
  action: () => Promise<T>,
): Promise<T> {
  const end = Date.now() + patience.longest
  for (;;) {
    try {
      return await action()
    } catch (error) {
      // An ended worker's handles are freed by another process: a moment later than its lock.
      if (!isNamed(error, 'NoModificationAllowedError') && !isNamed(error, 'InvalidStateError')) {
        throw error
      }
      if (Date.now() >= end) {
        throw new DurablyError(
          'opfs_locked',
          `the file ${name} is kept open by another tab or worker: close the app's other tabs and reload`,
          { cause: error },
        )
      }
      await new Promise((resolve) => setTimeout(resolve, patience.pause))
    }
  }
}

/** Return the folder that holds *path* below *root*, and the last part of *path*. */
export async function locate(
  root: FileSystemDirectoryHandle,
  path: string,
): Promise<[FileSystemDirectoryHandle, string]> {
  const parts = path.split('/')
  const last = parts.pop() ?? ''
  let folder = root
  for (const part of parts) folder = await folder.getDirectoryHandle(part)
  return [folder, last]
}

/** Remove the file or empty folder at *path*; nothing there is fine too. */
export async function remove(
  root: FileSystemDirectoryHandle,
  path: string,
  patience: Patience,
): Promise<void> {
  try {
    const [folder, name] = await locate(root, path)
    await patiently(name, patience, () => folder.removeEntry(name))
  } catch (error) {
    if (!isNamed(error, 'NotFoundError')) throw error
  }
}
