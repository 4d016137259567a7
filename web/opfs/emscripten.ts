/** The part of Emscripten's file system that a mounted one talks to. */

export interface FileNode {
  id: number
  name: string
  mode: number
  parent: FileNode
  mount: object
  node_ops: Partial<NodeOperations>
  stream_ops: Partial<StreamOperations>
}

export interface FileStream {
  readonly node: FileNode
  readonly position: number
}

export interface Attributes {
  readonly dev: number
  readonly ino: number
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  readonly size: number
  readonly atime: Date
  readonly mtime: Date
  readonly ctime: Date
  readonly blksize: number
  readonly blocks: number
}

/** Times are in milliseconds. What is absent stays. */
export interface NewAttributes {
  readonly size?: number
  readonly mode?: number
  readonly mtime?: number | null
}

export interface NodeOperations {
  getattr(node: FileNode): Attributes
  setattr(node: FileNode, attributes: NewAttributes): void
  lookup(parent: FileNode, name: string): FileNode
  mknod(parent: FileNode, name: string, mode: number): FileNode
  unlink(parent: FileNode, name: string): void
  rename(node: FileNode, parent: FileNode, name: string): void
  rmdir(parent: FileNode, name: string): void
  readdir(node: FileNode): string[]
}

export interface StreamOperations {
  open(stream: FileStream): void
  close(stream: FileStream): void
  dup(stream: FileStream): void
  read(stream: FileStream, into: Uint8Array, offset: number, length: number, at: number): number
  write(stream: FileStream, from: Uint8Array, offset: number, length: number, at: number): number
  llseek(stream: FileStream, offset: number, whence: number): number
  fsync(stream: FileStream): number
}

export interface EmscriptenFS {
  readonly ErrnoError: new (errno: number) => Error
  createNode(parent: FileNode | null, name: string, mode: number, device: number): FileNode
  lookupNode(parent: FileNode, name: string): FileNode
  hashRemoveNode(node: FileNode): void
  isDir(mode: number): boolean
  isFile(mode: number): boolean
}
