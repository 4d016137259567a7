/** The folder of blobs, as Emscripten nodes: one can be made and named once, read and removed. */

import type { BlobFolder } from './blob-folder'
import type {
  EmscriptenFS,
  FileNode,
  FileStream,
  NewAttributes,
  NodeOperations,
  StreamOperations,
} from './emscripten'
import { EINVAL, ENOENT, EPERM, EROFS, FileError } from './errno'
import { MadeFile } from './made-file'

/** Read the bytes of *file* from *start* up to *end*, at once. */
export type BlobReader = (file: File, start: number, end: number) => Uint8Array

type Guard = <A extends readonly unknown[], R>(operation: (...args: A) => R) => (...args: A) => R

const BLOB_MODE = 0o100444
const NAME = /^[0-9a-f]{64}$/
/** A call of a `FileReaderSync` takes half a millisecond for a byte, and four for this many. */
const READ_AHEAD = 1024 * 1024

/** What was read last. It is kept past the close: a job reads a file in batches, each its own step. */
interface Ahead {
  readonly file: File
  readonly start: number
  readonly bytes: Uint8Array
}

/** Return the operations of the folder's own node; it makes those of the blobs. */
export function blobOperations(
  FS: EmscriptenFS,
  blobs: BlobFolder,
  read: BlobReader,
  guard: Guard,
): Partial<NodeOperations> {
  /** Files that have no name yet: the only ones that can be written. */
  const unnamed = new WeakMap<FileNode, MadeFile>()
  const folders = new WeakSet<FileNode>()
  let ahead: Ahead | null = null

  /** A blob changes its place once it has one, so it is looked for each time. */
  const contentOf = (node: FileNode): File | MadeFile | undefined =>
    unnamed.get(node) ?? blobs.get(node.name)

  const readOnly = guard((): never => {
    throw new FileError(EROFS)
  })
  const getattr = guard((node: FileNode) => {
    const content = folders.has(node) ? undefined : contentOf(node)
    if (!content && !folders.has(node)) throw new FileError(ENOENT)
    const size = content?.size ?? 4096
    const modified = content instanceof MadeFile ? content.modified : content?.lastModified
    const time = new Date(modified ?? 0)
    return {
      ...{ dev: 1, ino: node.id, mode: node.mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size },
      ...{ atime: time, mtime: time, ctime: time },
      ...{ blksize: 4096, blocks: Math.ceil(size / 512) },
    }
  })
  const setattr = guard((node: FileNode, { size }: NewAttributes) => {
    if (size === undefined) return
    const made = unnamed.get(node)
    if (!made) throw new FileError(EROFS)
    made.handle.truncate(size)
  })
  const readPiece = (node: FileNode, into: Uint8Array, at: number): number => {
    const content = contentOf(node)
    if (!content) throw new FileError(EINVAL)
    if (content instanceof MadeFile) return content.read(into, at)
    let piece = ahead
    if (piece?.file !== content || at < piece.start || at >= piece.start + piece.bytes.length) {
      const end = at + Math.max(into.length, READ_AHEAD)
      piece = { file: content, start: at, bytes: read(content, at, end) }
      ahead = piece
    }
    const bytes = piece.bytes.subarray(at - piece.start, at - piece.start + into.length)
    into.set(bytes)
    return bytes.length
  }
  const streamOperations: Partial<StreamOperations> = {
    read: guard(
      (stream: FileStream, into: Uint8Array, offset: number, length: number, at: number) =>
        readPiece(stream.node, into.subarray(offset, offset + length), at),
    ),
    write: guard(
      (stream: FileStream, from: Uint8Array, offset: number, length: number, at: number) => {
        const made = unnamed.get(stream.node)
        if (!made) throw new FileError(EROFS)
        return made.write(from.subarray(offset, offset + length), at)
      },
    ),
    llseek: guard((stream: FileStream, offset: number, whence: number) => {
      const start = [0, stream.position, contentOf(stream.node)?.size ?? 0]
      const position = (start[whence] ?? 0) + offset
      if (position < 0) throw new FileError(EINVAL)
      return position
    }),
    fsync: guard((stream: FileStream) => {
      unnamed.get(stream.node)?.handle.flush()
      return 0
    }),
  }
  const addNode = (parent: FileNode, name: string, mode: number): FileNode => {
    const node = FS.createNode(parent, name, mode, 0)
    node.node_ops = { getattr, setattr }
    node.stream_ops = streamOperations
    return node
  }
  return {
    getattr: (node) => {
      folders.add(node)
      return getattr(node)
    },
    setattr: readOnly,
    mknod: guard((parent: FileNode, name: string, mode: number) => {
      if (!FS.isFile(mode) || NAME.test(name)) throw new FileError(EPERM)
      const made = blobs.make()
      const node = addNode(parent, name, mode)
      unnamed.set(node, made)
      return node
    }),
    /** The only new name a file can be given is the hash of its bytes; it cannot be written then. */
    rename: guard((node: FileNode, parent: FileNode, name: string) => {
      const made = unnamed.get(node)
      if (!made || parent !== node.parent || !NAME.test(name)) throw new FileError(EPERM)
      made.handle.flush()
      if (blobs.get(name)) FS.hashRemoveNode(FS.lookupNode(parent, name))
      blobs.name(made, name)
      unnamed.delete(node)
      node.name = name
      node.mode = BLOB_MODE
    }),
    unlink: guard((parent: FileNode, name: string) => {
      if (blobs.get(name)) {
        blobs.remove(name)
        return
      }
      const made = unnamed.get(FS.lookupNode(parent, name))
      if (!made) throw new FileError(ENOENT)
      blobs.drop(made)
    }),
    rmdir: readOnly,
    readdir: guard(() => ['.', '..', ...blobs.names]),
    lookup: guard((parent: FileNode, name: string) => {
      if (!blobs.get(name)) throw new FileError(ENOENT)
      return addNode(parent, name, BLOB_MODE)
    }),
  }
}
