/** Port 4: the store's files as an Emscripten file system, to be mounted under Python. */

import type { BlobFolder } from './blob-folder'
import { type BlobReader, blobOperations } from './blob-nodes'
import type { Disk } from './disk'
import type {
  Attributes,
  EmscriptenFS,
  FileNode,
  FileStream,
  NewAttributes,
  NodeOperations,
  StreamOperations,
} from './emscripten'
import { EINVAL, ENAMETOOLONG, ENOENT, ENOSPC, ENOTEMPTY, EPERM, errnoOf, FileError } from './errno'
import { LogWriter } from './log-writer'
import { HIDDEN, type StoredFile } from './name-table'

export const BLOBS = 'blobs'

const DIRECTORY_MODE = 0o040755
const FILE_MODE = 0o100644
const LONGEST_NAME = 255
const SEEK_CUR = 1
const SEEK_END = 2

/** Gives Python the files of a disk and, under `blobs/`, those of a blob folder. Errors are errnos. */
export class OpfsFS {
  readonly #FS: EmscriptenFS
  readonly #disk: Disk
  readonly #blobs: BlobFolder
  readonly #readBlob: BlobReader
  readonly #onFault: (error: unknown) => void
  readonly #files = new WeakMap<FileNode, StoredFile>()
  readonly #log = new LogWriter()
  readonly #children = new WeakMap<FileNode, Map<string, FileNode>>()
  readonly #fileOperations: Pick<NodeOperations, 'getattr' | 'setattr'>
  readonly #directoryOperations: NodeOperations
  readonly #streamOperations: StreamOperations
  #flushes = 0
  #isFull = false

  constructor(
    FS: EmscriptenFS,
    disk: Disk,
    blobs: BlobFolder,
    readBlob: BlobReader,
    onFault: (error: unknown) => void = () => {},
  ) {
    this.#FS = FS
    this.#disk = disk
    this.#blobs = blobs
    this.#readBlob = readBlob
    this.#onFault = onFault
    this.#fileOperations = {
      getattr: this.#guard((node: FileNode) => this.#attributes(node)),
      setattr: this.#guard((node: FileNode, attributes: NewAttributes) =>
        this.#setAttributes(node, attributes),
      ),
    }
    this.#directoryOperations = {
      ...this.#fileOperations,
      lookup: this.#guard(() => {
        // Every file has its node since the mount: what Emscripten does not find is not there.
        throw new FileError(ENOENT)
      }),
      mknod: this.#guard((parent: FileNode, name: string, mode: number) =>
        this.#make(parent, name, mode),
      ),
      unlink: this.#guard((parent: FileNode, name: string) => this.#unlink(parent, name)),
      rename: this.#guard((node: FileNode, parent: FileNode, name: string) =>
        this.#rename(node, parent, name),
      ),
      rmdir: this.#guard((parent: FileNode, name: string) => this.#removeDirectory(parent, name)),
      readdir: this.#guard((node: FileNode) => ['.', '..', ...this.#childrenOf(node).keys()]),
    }
    this.#streamOperations = {
      open: this.#guard((stream: FileStream) => this.#count(stream, 1)),
      dup: this.#guard((stream: FileStream) => this.#count(stream, 1)),
      close: this.#guard((stream: FileStream) => this.#count(stream, -1)),
      read: this.#guard((stream, into, offset, length, at) =>
        this.#settled(stream.node).read(into.subarray(offset, offset + length), { at }),
      ),
      write: this.#guard((stream, from, offset, length, at) =>
        this.#write(stream, from.subarray(offset, offset + length), at),
      ),
      llseek: this.#guard((stream, offset, whence) => this.#seek(stream, offset, whence)),
      fsync: this.#guard((stream: FileStream) => this.#sync(stream)),
    }
  }

  /** Times that a program has asked for a file to be on disk. */
  get flushes(): number {
    return this.#flushes
  }

  /** Whether the last write found no space. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Emscripten's side of `FS.mount`: make a node for everything that is there. */
  mount(mount: object): FileNode {
    const root = this.#addDirectory(null, '/')
    // Emscripten sets it after this returns, but nodes take it from their parent when they are made.
    root.mount = mount
    for (const path of [...this.#disk.directories].sort()) {
      const [parent, name] = this.#find(root, path)
      this.#addDirectory(parent, name)
    }
    for (const [path, file] of this.#disk.files) {
      const [parent, name] = this.#find(root, path)
      this.#addFile(parent, name, FILE_MODE, file)
    }
    this.#addBlobs(root)
    return root
  }

  #attributes(node: FileNode): Attributes {
    const file = this.#files.get(node)
    const size = file ? this.#sizeOf(node) : 4096
    const time = new Date(file?.modified ?? 0)
    return {
      ...{ dev: 1, ino: node.id, mode: node.mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size },
      ...{ atime: time, mtime: time, ctime: time },
      ...{ blksize: 4096, blocks: Math.ceil(size / 512) },
    }
  }

  #setAttributes(node: FileNode, { size, mode, mtime }: NewAttributes): void {
    const file = this.#files.get(node)
    if (size !== undefined) {
      const handle = this.#handle(node)
      this.#log.leave(handle)
      handle.truncate(size)
      if (file) file.modified = Date.now()
    }
    if (mode !== undefined) node.mode = mode
    if (file && typeof mtime === 'number') file.modified = mtime
  }

  #make(parent: FileNode, name: string, mode: number): FileNode {
    const path = this.#newPath(parent, name)
    if (this.#FS.isDir(mode)) {
      this.#disk.makeDirectory(path)
      return this.#addDirectory(parent, name)
    }
    if (!this.#FS.isFile(mode)) throw new FileError(EPERM)
    return this.#addFile(parent, name, mode, this.#disk.create(path))
  }

  #unlink(parent: FileNode, name: string): void {
    const children = this.#childrenOf(parent)
    const node = children.get(name)
    const file = node && this.#files.get(node)
    if (!file) throw new FileError(ENOENT)
    if (file.backing.handle) this.#log.leave(file.backing.handle)
    this.#disk.unlink(file)
    children.delete(name)
  }

  #rename(node: FileNode, parent: FileNode, name: string): void {
    const path = this.#newPath(parent, name)
    const siblings = this.#childrenOf(parent)
    const replaced = siblings.get(name)
    const file = this.#files.get(node)
    if (file) this.#disk.rename(file, path)
    else {
      if (replaced && this.#childrenOf(replaced).size > 0) throw new FileError(ENOTEMPTY)
      this.#disk.renameDirectory(this.#checkedPath(node.parent, node.name), path)
    }
    if (replaced) this.#FS.hashRemoveNode(replaced)
    this.#childrenOf(node.parent).delete(node.name)
    siblings.set(name, node)
    node.name = name
  }

  #removeDirectory(parent: FileNode, name: string): void {
    const children = this.#childrenOf(parent)
    const node = children.get(name)
    if (!node) throw new FileError(ENOENT)
    if (this.#childrenOf(node).size > 0) throw new FileError(ENOTEMPTY)
    this.#disk.removeDirectory(this.#checkedPath(parent, name))
    children.delete(name)
  }

  #write(stream: FileStream, bytes: Uint8Array, at: number): number {
    if (bytes.length === 0) return 0
    const file = this.#files.get(stream.node)
    if (!file) throw new FileError(EINVAL)
    const written = this.#isLog(file)
      ? this.#log.write(this.#handle(stream.node), bytes, at)
      : this.#settled(stream.node).write(bytes, { at })
    // None written would be tried again for ever.
    if (written === 0) throw new FileError(ENOSPC)
    this.#isFull = false
    file.modified = Date.now()
    return written
  }

  #seek(stream: FileStream, offset: number, whence: number): number {
    const position = this.#startOf(stream, whence) + offset
    if (position < 0) throw new FileError(EINVAL)
    return position
  }

  #sync(stream: FileStream): number {
    const file = this.#files.get(stream.node)
    // A directory has nothing to flush: the index was, when the name was given.
    if (!file) return 0
    if (this.#isLog(file)) this.#log.flush(this.#handle(stream.node))
    else this.#settled(stream.node).flush()
    this.#flushes += 1
    return 0
  }

  #startOf(stream: FileStream, whence: number): number {
    if (whence === SEEK_CUR) return stream.position
    if (whence !== SEEK_END || !this.#files.has(stream.node)) return 0
    return this.#sizeOf(stream.node)
  }

  /** SQLite's log, unless it is one of an app's own files, which may get another handle at any time. */
  #isLog(file: StoredFile): boolean {
    return file.name?.endsWith('-wal') === true && this.#disk.isFixed(file)
  }

  /** The handle of *node*, once no write to it is held back any more. */
  #settled(node: FileNode): FileSystemSyncAccessHandle {
    const handle = this.#handle(node)
    this.#log.settle(handle)
    return handle
  }

  /** What is held back of a file lies inside it. */
  #sizeOf(node: FileNode): number {
    return this.#handle(node).getSize()
  }

  #count(stream: FileStream, step: 1 | -1): void {
    const file = this.#files.get(stream.node)
    if (!file) return
    if (step === 1) this.#disk.opened(file)
    else this.#disk.closed(file)
  }

  #handle(node: FileNode): FileSystemSyncAccessHandle {
    const handle = this.#files.get(node)?.backing.handle
    if (!handle) throw new FileError(EINVAL)
    return handle
  }

  #childrenOf(node: FileNode): Map<string, FileNode> {
    return this.#children.get(node) ?? new Map()
  }

  #find(root: FileNode, path: string): [FileNode, string] {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    let parent = root
    for (const part of parts) {
      const child = this.#childrenOf(parent).get(part)
      if (!child) throw new FileError(ENOENT)
      parent = child
    }
    return [parent, name]
  }

  #addDirectory(parent: FileNode | null, name: string): FileNode {
    const node = this.#add(parent, name, DIRECTORY_MODE)
    this.#children.set(node, new Map())
    return node
  }

  #addFile(parent: FileNode, name: string, mode: number, file: StoredFile): FileNode {
    const node = this.#add(parent, name, mode)
    this.#files.set(node, file)
    return node
  }

  #addBlobs(root: FileNode): void {
    const node = this.#add(root, BLOBS, DIRECTORY_MODE)
    const guard = this.#guard.bind(this)
    node.node_ops = blobOperations(this.#FS, this.#blobs, this.#readBlob, guard)
  }

  #add(parent: FileNode | null, name: string, mode: number): FileNode {
    const node = this.#FS.createNode(parent, name, mode, 0)
    node.node_ops = this.#FS.isDir(mode) ? this.#directoryOperations : this.#fileOperations
    node.stream_ops = this.#streamOperations
    if (parent) this.#childrenOf(parent).set(name, node)
    return node
  }

  /** Return the path of a name that is given now. A browser must be able to keep it as it is. */
  #newPath(parent: FileNode, name: string): string {
    if (!isStorable(name)) throw new FileError(EINVAL)
    if (new TextEncoder().encode(name).length > LONGEST_NAME) throw new FileError(ENAMETOOLONG)
    return this.#checkedPath(parent, name)
  }

  #checkedPath(parent: FileNode, name: string): string {
    const path = pathOf(parent, name)
    if (path === HIDDEN || path === BLOBS || path.startsWith(`${BLOBS}/`))
      throw new FileError(EPERM)
    return path
  }

  /** Turn whatever *operation* throws into an errno: anything else would cross C and leave SQLite mid-call. */
  #guard<A extends readonly unknown[], R>(operation: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      try {
        return operation(...args)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === ENOSPC) this.#isFull = true
        if (!(error instanceof FileError)) this.#onFault(error)
        throw new this.#FS.ErrnoError(errno)
      }
    }
  }
}

/** Return whether every browser takes *name* and gives it back. */
function isStorable(name: string): boolean {
  // Chromium refuses a backslash and ends a name at a NUL; bytes that are no UTF-8, which Python
  // passes on from foreign names, come as lone surrogates, and all of these become one character.
  return !name.includes('\\') && !name.includes('\0') && name.isWellFormed()
}

/** Return the path of *name* in *parent*, below the mount. */
function pathOf(parent: FileNode, name: string): string {
  return parent.parent === parent ? name : pathOf(parent.parent, `${parent.name}/${name}`)
}
