/** Python with a store mounted on memory: the real Emscripten, under Node. */

import { loadPyodide, type PyodideInterface } from 'pyodide'
import { BlobFolder } from '../../../web/opfs/blob-folder'
import { Disk, type DiskOptions } from '../../../web/opfs/disk'
import type { EmscriptenFS, FileStream } from '../../../web/opfs/emscripten'
import { BLOBS, OpfsFS } from '../../../web/opfs/opfs-fs'
import { withSyncHook } from '../../../web/spa/worker/python/patches'
import { type MemoryOpfs, readNow } from './memory-opfs'

const PATIENCE = { longest: 50, pause: 5 }

/** What the tests call of Emscripten's file system. */
export interface NodeFS extends EmscriptenFS {
  mkdir(path: string): void
  rmdir(path: string): void
  mount(type: object, options: object, path: string): void
  unmount(path: string): void
  open(path: string, flags: string): FileStream
  close(stream: FileStream): void
  read(stream: FileStream, into: Uint8Array, offset: number, length: number, at?: number): number
  write(stream: FileStream, from: Uint8Array, offset: number, length: number, at?: number): number
  readFile(path: string): Uint8Array
  writeFile(path: string, data: Uint8Array | string): void
  readdir(path: string): string[]
  rename(from: string, to: string): void
  unlink(path: string): void
  truncate(path: string, size: number): void
  stat(path: string): { readonly size: number; readonly mode: number; readonly mtime: Date }
}

export interface Mounted {
  readonly FS: NodeFS
  readonly disk: Disk
  readonly blobs: BlobFolder
  readonly fs: OpfsFS
  readonly faults: unknown[]
  unmount(): void
}

export async function startPython(): Promise<PyodideInterface> {
  const { default: create } = await import('pyodide/pyodide.asm.mjs')
  return loadPyodide({ createPyodideModule: withSyncHook(create) })
}

export async function mount(
  python: PyodideInterface,
  opfs: MemoryOpfs,
  path: string,
  options: DiskOptions = {},
): Promise<Mounted> {
  const FS = python.FS as unknown as NodeFS
  const faults: unknown[] = []
  const onFault = (error: unknown) => void faults.push(error)
  const disk = await Disk.open(opfs.root, {
    patience: PATIENCE,
    skip: [BLOBS],
    onFault,
    ...options,
  })
  const folder = await opfs.root.getDirectoryHandle(BLOBS, { create: true })
  const blobs = await BlobFolder.open(folder, { patience: PATIENCE, spares: 2, onFault })
  const fs = new OpfsFS(FS, disk, blobs, readNow, onFault)
  FS.mkdir(path)
  FS.mount(fs, {}, path)
  const unmount = () => {
    disk.close()
    blobs.close()
    FS.unmount(path)
    FS.rmdir(path)
  }
  return { FS, disk, blobs, fs, faults, unmount }
}
