/**
 * The origin's private file system in memory, as the standard describes it.
 *
 * It can be full, can fail, and can lose power: `crash` keeps what was flushed, and of the rest what
 * the test says.
 */

/** A change of a file that no flush has put on the disk yet. */
export type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number }

/** Says which changes of one file reach the disk by themselves, and in what order. */
export type Survivors = (changes: readonly Change[]) => readonly Change[]

/** What all files of one memory share. */
class Drive {
  /** Bytes that fit in all. */
  quota = Number.POSITIVE_INFINITY
  /** Called before every change; may throw. */
  onChange: (what: string) => void = () => {}
  /** Whether names that differ in capitals only are one, as Safari has it on most Macs. */
  ignoresCase = false
  open = 0
  mostOpen = 0

  used(root: Folder): number {
    let sum = 0
    for (const entry of root.entries.values()) {
      sum += entry instanceof Folder ? this.used(entry) : entry.bytes.length
    }
    return sum
  }

  /** Return the name by which *folder* knows *name*. */
  nameIn(folder: Folder, name: string): string {
    const kept = keptName(name)
    check(kept)
    if (!this.ignoresCase || folder.entries.has(kept)) return kept
    const isSame = (other: string) => other.toLowerCase() === kept.toLowerCase()
    return [...folder.entries.keys()].find(isSame) ?? kept
  }
}

class Content {
  bytes = new Uint8Array()
  /** What is on the disk: all that is left after a loss of power. */
  flushed = new Uint8Array()
  /** What was done since. */
  unflushed: Change[] = []
  modified = Date.now()
  handle: MemoryAccessHandle | null = null
}

class Folder {
  readonly entries = new Map<string, Folder | Content>()
}

export class MemoryOpfs {
  readonly #drive = new Drive()
  #root = new Folder()
  /** Whether the browser was asked to keep it. */
  isPersisted = false

  get root(): FileSystemDirectoryHandle {
    return new MemoryDirectory('', this.#root, this.#drive, this.#root)
  }

  /** Access handles that are open now. */
  get open(): number {
    return this.#drive.open
  }

  /** Access handles that were open at once at most. */
  get mostOpen(): number {
    return this.#drive.mostOpen
  }

  /** Bytes that fit in all. */
  get quota(): number {
    return this.#drive.quota
  }

  /** Bytes in all files. */
  get used(): number {
    return this.#drive.used(this.#root)
  }

  set quota(bytes: number) {
    this.#drive.quota = bytes
  }

  set onChange(listener: (what: string) => void) {
    this.#drive.onChange = listener
  }

  set ignoresCase(ignores: boolean) {
    this.#drive.ignoresCase = ignores
  }

  /** Return what the next user finds when this one ends now. */
  crash(keep: 'flushed' | 'all' | Survivors = 'flushed'): MemoryOpfs {
    const next = new MemoryOpfs()
    next.#root = survivor(this.#root, keep)
    next.#drive.ignoresCase = this.#drive.ignoresCase
    return next
  }

  /** Every file by path, as it is now. */
  tree(): Map<string, Uint8Array> {
    return treeOf(this.#root, '')
  }
}

function survivor(folder: Folder, keep: 'flushed' | 'all' | Survivors): Folder {
  const next = new Folder()
  for (const [name, entry] of folder.entries) {
    if (entry instanceof Folder) next.entries.set(name, survivor(entry, keep))
    else {
      const content = new Content()
      if (keep === 'all') content.bytes = entry.bytes.slice()
      else if (keep === 'flushed') content.bytes = entry.flushed.slice()
      else content.bytes = keep(entry.unflushed).reduce(changed, entry.flushed.slice())
      content.flushed = content.bytes
      next.entries.set(name, content)
    }
  }
  return next
}

function changed(bytes: Uint8Array<ArrayBuffer>, change: Change): Uint8Array<ArrayBuffer> {
  const isWrite = 'bytes' in change
  const size = isWrite ? Math.max(bytes.length, change.at + change.bytes.length) : change.size
  const next = new Uint8Array(size)
  next.set(bytes.subarray(0, size))
  if (isWrite) next.set(change.bytes, change.at)
  return next
}

function treeOf(folder: Folder, prefix: string): Map<string, Uint8Array> {
  const tree = new Map<string, Uint8Array>()
  for (const [name, entry] of folder.entries) {
    if (entry instanceof Folder) {
      for (const [path, bytes] of treeOf(entry, `${prefix}${name}/`)) tree.set(path, bytes)
    } else tree.set(prefix + name, entry.bytes)
  }
  return tree
}

/** Let other tasks run, as every asynchronous call of a browser does. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function fail(name: string, message: string): never {
  throw new DOMException(message, name)
}

/** Chromium's rule, on every platform. */
function check(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\\]/.test(name)) {
    throw new TypeError('Name is not allowed.')
  }
}

/** As Chromium keeps it: half a character becomes another, and a NUL ends the name. */
function keptName(name: string): string {
  return name.toWellFormed().split('\0')[0] ?? ''
}

class MemoryEntry {
  readonly name: string
  protected readonly drive: Drive
  protected readonly root: Folder

  constructor(name: string, drive: Drive, root: Folder) {
    this.name = name
    this.drive = drive
    this.root = root
  }
}

class MemoryDirectory extends MemoryEntry implements FileSystemDirectoryHandle {
  readonly kind = 'directory'
  readonly folder: Folder

  constructor(name: string, folder: Folder, drive: Drive, root: Folder) {
    super(name, drive, root)
    this.folder = folder
  }

  async getFileHandle(
    name: string,
    options?: FileSystemGetFileOptions,
  ): Promise<FileSystemFileHandle> {
    await turn()
    const key = this.drive.nameIn(this.folder, name)
    let entry = this.folder.entries.get(key)
    if (entry instanceof Folder) fail('TypeMismatchError', `${name} is a directory`)
    if (!entry) {
      if (!options?.create) fail('NotFoundError', `no file ${name}`)
      this.drive.onChange(`create ${key}`)
      entry = new Content()
      this.folder.entries.set(key, entry)
    }
    return new MemoryFile(key, this.folder, this.drive, this.root)
  }

  async getDirectoryHandle(
    name: string,
    options?: FileSystemGetDirectoryOptions,
  ): Promise<FileSystemDirectoryHandle> {
    await turn()
    const key = this.drive.nameIn(this.folder, name)
    let entry = this.folder.entries.get(key)
    if (entry instanceof Content) fail('TypeMismatchError', `${name} is a file`)
    if (!entry) {
      if (!options?.create) fail('NotFoundError', `no directory ${name}`)
      this.drive.onChange(`mkdir ${key}`)
      entry = new Folder()
      this.folder.entries.set(key, entry)
    }
    return new MemoryDirectory(key, entry, this.drive, this.root)
  }

  async removeEntry(name: string, options?: FileSystemRemoveOptions): Promise<void> {
    await turn()
    const key = this.drive.nameIn(this.folder, name)
    const entry = this.folder.entries.get(key)
    if (!entry) fail('NotFoundError', `no entry ${name}`)
    if (entry instanceof Content && entry.handle)
      fail('NoModificationAllowedError', `${name} is open`)
    if (entry instanceof Folder && entry.entries.size > 0 && !options?.recursive) {
      fail('InvalidModificationError', `${name} is not empty`)
    }
    this.drive.onChange(`remove ${key}`)
    this.folder.entries.delete(key)
  }

  async *entries(): AsyncGenerator<[string, FileSystemDirectoryHandle | FileSystemFileHandle]> {
    for (const [name, entry] of [...this.folder.entries]) {
      await turn()
      yield entry instanceof Folder
        ? [name, new MemoryDirectory(name, entry, this.drive, this.root)]
        : [name, new MemoryFile(name, this.folder, this.drive, this.root)]
    }
  }

  async *keys(): AsyncGenerator<string> {
    for await (const [name] of this.entries()) yield name
  }

  async *values(): AsyncGenerator<FileSystemDirectoryHandle | FileSystemFileHandle> {
    for await (const [, entry] of this.entries()) yield entry
  }

  [Symbol.asyncIterator](): AsyncGenerator<
    [string, FileSystemDirectoryHandle | FileSystemFileHandle]
  > {
    return this.entries()
  }

  async isSameEntry(other: FileSystemHandle): Promise<boolean> {
    return other instanceof MemoryDirectory && other.folder === this.folder
  }

  async resolve(): Promise<string[] | null> {
    return null
  }
}

class MemoryFile extends MemoryEntry implements FileSystemFileHandle {
  readonly kind = 'file'
  #folder: Folder
  #name: string

  constructor(name: string, folder: Folder, drive: Drive, root: Folder) {
    super(name, drive, root)
    this.#folder = folder
    this.#name = name
  }

  #content(): Content {
    const entry = this.#folder.entries.get(this.#name)
    return entry instanceof Content ? entry : fail('NotFoundError', `no file ${this.#name}`)
  }

  async getFile(): Promise<File> {
    await turn()
    const { bytes, modified } = this.#content()
    return new MemorySnapshot(bytes.slice(), this.#name, modified)
  }

  async createSyncAccessHandle(): Promise<FileSystemSyncAccessHandle> {
    await turn()
    const content = this.#content()
    if (content.handle) fail('NoModificationAllowedError', `${this.#name} is open`)
    content.handle = new MemoryAccessHandle(this.#name, content, this.drive, this.root)
    return content.handle
  }

  async move(directory: FileSystemDirectoryHandle, name: string): Promise<void> {
    if (!(directory instanceof MemoryDirectory)) throw new TypeError('not a directory')
    await turn()
    const key = this.drive.nameIn(directory.folder, name)
    const content = this.#content()
    const there = directory.folder.entries.get(key)
    if (content.handle) fail('NoModificationAllowedError', `${this.#name} is open`)
    if (there instanceof Folder) fail('InvalidModificationError', `${name} is a directory`)
    if (there?.handle) fail('NoModificationAllowedError', `${name} is open`)
    this.drive.onChange(`move ${this.#name} ${key}`)
    this.#folder.entries.delete(this.#name)
    directory.folder.entries.set(key, content)
    this.#folder = directory.folder
    this.#name = key
  }

  async createWritable(): Promise<FileSystemWritableFileStream> {
    fail('NotSupportedError', 'not in this memory')
  }

  async isSameEntry(other: FileSystemHandle): Promise<boolean> {
    return other instanceof MemoryFile && other.#content() === this.#content()
  }
}

/** A file as it was; its bytes can also be read at once, as a worker can with a `FileReaderSync`. */
class MemorySnapshot extends File {
  readonly content: Uint8Array<ArrayBuffer>

  constructor(content: Uint8Array<ArrayBuffer>, name: string, lastModified: number, type = '') {
    super([content], name, { lastModified, type })
    this.content = content
  }

  override slice(start?: number, end?: number, type?: string): Blob {
    return new MemorySnapshot(this.content.slice(start, end), this.name, this.lastModified, type)
  }
}

/** Read a file of this memory at once, or a slice of one. */
export function readNow(file: Blob, start = 0, end = file.size): Uint8Array<ArrayBuffer> {
  if (!(file instanceof MemorySnapshot)) throw new TypeError('not a file of this memory')
  return file.content.slice(start, end)
}

class MemoryAccessHandle implements FileSystemSyncAccessHandle {
  readonly #name: string
  readonly #content: Content
  readonly #drive: Drive
  readonly #root: Folder
  #cursor = 0
  #open = true

  constructor(name: string, content: Content, drive: Drive, root: Folder) {
    this.#name = name
    this.#content = content
    this.#drive = drive
    this.#root = root
    drive.open += 1
    drive.mostOpen = Math.max(drive.mostOpen, drive.open)
  }

  read(buffer: AllowSharedBufferSource, options?: FileSystemReadWriteOptions): number {
    this.#check()
    const into = bytesOf(buffer)
    const at = options?.at ?? this.#cursor
    const piece = this.#content.bytes.subarray(at, at + into.length)
    into.set(piece)
    this.#cursor = at + piece.length
    return piece.length
  }

  write(buffer: AllowSharedBufferSource, options?: FileSystemReadWriteOptions): number {
    this.#check()
    this.#drive.onChange(`write ${this.#name}`)
    const from = bytesOf(buffer)
    const at = options?.at ?? this.#cursor
    this.#resize(Math.max(this.#content.bytes.length, at + from.length))
    this.#content.bytes.set(from, at)
    this.#content.unflushed.push({ at, bytes: from.slice() })
    this.#content.modified = Date.now()
    this.#cursor = at + from.length
    return from.length
  }

  truncate(size: number): void {
    this.#check()
    this.#drive.onChange(`truncate ${this.#name}`)
    this.#resize(size)
    this.#content.unflushed.push({ size })
    this.#cursor = Math.min(this.#cursor, size)
  }

  getSize(): number {
    this.#check()
    return this.#content.bytes.length
  }

  flush(): void {
    this.#check()
    this.#drive.onChange(`flush ${this.#name}`)
    this.#content.flushed = this.#content.bytes.slice()
    this.#content.unflushed = []
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#content.handle = null
    this.#drive.open -= 1
  }

  #check(): void {
    if (!this.#open) fail('InvalidStateError', `the handle of ${this.#name} is closed`)
  }

  #resize(size: number): void {
    const growth = size - this.#content.bytes.length
    if (growth === 0) return
    if (growth > 0 && this.#drive.used(this.#root) + growth > this.#drive.quota) {
      fail('QuotaExceededError', 'no space left')
    }
    const bytes = new Uint8Array(size)
    bytes.set(this.#content.bytes.subarray(0, size))
    this.#content.bytes = bytes
  }
}

function bytesOf(buffer: AllowSharedBufferSource): Uint8Array {
  return ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer)
}
