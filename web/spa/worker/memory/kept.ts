/** A memory snapshot: Python after its imports, as it is kept between two boots. */

import { bytesToHex } from '@noble/hashes/utils.js'
import { openAccessHandle, PATIENCE } from '../../../opfs/access-handle'
import { isNamed } from '../../../opfs/errno'
import { toPayload } from '../../bridge/failure'

export type Bytes = Uint8Array<ArrayBuffer>

/** A library that was loaded, with its places in memory and in the table of functions. */
export interface Library {
  readonly path: string
  readonly handle: number
  readonly memoryBase: number
  readonly tableBase: number
}

export interface Snapshot {
  /** What Pyodide needs beside the memory to go on from it. */
  readonly header: Bytes
  readonly memorySize: number
  readonly tableSize: number
  readonly libraries: readonly Library[]
  /** Where the memory is not zero: start and length of each run, in order. */
  readonly runs: readonly (readonly [start: number, length: number])[]
  /** The bytes of all runs. */
  readonly memory: Bytes
  /** Python's own files by path: imports and resources find what they would after a plain boot. */
  readonly files: ReadonlyMap<string, Bytes>
}

/** What stands behind the bytes of the memory and of the files, as JSON. */
interface Index extends Pick<Snapshot, 'memorySize' | 'tableSize' | 'libraries' | 'runs'> {
  readonly header: readonly number[]
  readonly memoryLength: number
  readonly files: readonly (readonly [path: string, length: number])[]
}

/** Why none could be made: the next boot need not try. */
export interface Refusal {
  readonly refused: string
}

const FOLDER = 'durably-snapshots'
/** Counts up when the meaning of a kept snapshot changes. */
const FORMAT = 2

/** Four words end a file that was written to its end: this one, the index's length, two checksums. */
const END = 0x64757261
const END_WORDS = 4
const WORD = Uint32Array.BYTES_PER_ELEMENT

/** The one snapshot that fits an app's build and this browser. */
export class SnapshotPlace {
  readonly #folder: FileSystemDirectoryHandle
  readonly #app: string
  readonly #name: string

  private constructor(folder: FileSystemDirectoryHandle, app: string, name: string) {
    this.#folder = folder
    this.#app = app
    this.#name = name
  }

  /** *build* changes with any byte of Pyodide, the wheels, the engine and the jobs. */
  static async open(manifestUrl: string, build: string): Promise<SnapshotPlace> {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle(FOLDER, { create: true })
    const app = (await hashOf(manifestUrl)).slice(0, 12)
    // What Python takes from its surroundings when it starts, and how the browser runs WebAssembly.
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
    const surroundings = [navigator.userAgent, navigator.language, timeZone]
    const key = await hashOf(JSON.stringify([FORMAT, build, ...surroundings]))
    return new SnapshotPlace(folder, app, `${app}-${key.slice(0, 24)}`)
  }

  /** Return what is kept, why there cannot be any, or null. Throws for what is torn or damaged. */
  async find(): Promise<Snapshot | Refusal | null> {
    const whole = await this.#read()
    if (whole === null) return null
    const words = new Uint32Array(whole.buffer, 0, Math.floor(whole.length / WORD))
    const content = words.subarray(0, -END_WORDS)
    const [end, indexLength = 0, ...sums] = words.subarray(-END_WORDS)
    if (whole.length % WORD !== 0 || end !== END) throw new Error('it was not written to its end')
    if (checksums(content).some((sum, lane) => sum !== sums[lane])) {
      throw new Error('its bytes are not those that were written')
    }
    const indexAt = content.length * WORD - indexLength
    const text = new TextDecoder().decode(whole.subarray(indexAt, indexAt + indexLength))
    const index: Index | Refusal = JSON.parse(text)
    return 'refused' in index ? index : unpack(index, whole)
  }

  /** Keep *snapshot*; return its size in bytes. Others of the same app are removed. */
  async save(snapshot: Snapshot): Promise<number> {
    const { memorySize, tableSize, libraries, runs, memory } = snapshot
    const index: Index = {
      header: [...snapshot.header],
      ...{ memorySize, tableSize, libraries, runs },
      memoryLength: memory.length,
      files: [...snapshot.files].map(([path, { length }]) => [path, length]),
    }
    return this.#write(index, [memory, ...snapshot.files.values()])
  }

  /** Note that this build cannot have one, so that it is not tried at each boot. */
  async refuse(error: unknown): Promise<void> {
    const refusal: Refusal = { refused: toPayload(error, 'snapshot_unusable').message }
    await this.#write(refusal, [])
  }

  async remove(): Promise<void> {
    try {
      await this.#folder.removeEntry(this.#name)
    } catch (error) {
      if (!isNamed(error, 'NotFoundError')) throw error
    }
  }

  async #read(): Promise<Bytes | null> {
    try {
      const file = await this.#folder.getFileHandle(this.#name)
      // Its synchronous read takes a fraction of what a Blob takes for that many bytes.
      const handle = await openAccessHandle(file, PATIENCE)
      try {
        const whole = new Uint8Array(handle.getSize())
        handle.read(whole, { at: 0 })
        return whole
      } finally {
        handle.close()
      }
    } catch (error) {
      if (isNamed(error, 'NotFoundError')) return null
      throw error
    }
  }

  async #write(index: Index | Refusal, parts: readonly Bytes[]): Promise<number> {
    for await (const name of this.#folder.keys()) {
      if (name.startsWith(`${this.#app}-`) && name !== this.#name) {
        await this.#folder.removeEntry(name)
      }
    }
    const text = encode(index)
    const size = parts.reduce((sum, { length }) => sum + length, 0)
    const content = new Uint8Array(Math.ceil(size / WORD) * WORD + text.length)
    let at = 0
    for (const part of parts) {
      content.set(part, at)
      at += part.length
    }
    content.set(text, content.length - text.length)
    const end = [END, text.length, ...checksums(new Uint32Array(content.buffer))]
    try {
      const file = await this.#folder.getFileHandle(this.#name, { create: true })
      const handle = await openAccessHandle(file, PATIENCE)
      try {
        handle.truncate(0)
        writeAt(handle, 0, content)
        handle.flush()
        // Only now: a file without its end is no snapshot.
        writeAt(handle, content.length, new Uint8Array(Uint32Array.from(end).buffer))
        handle.flush()
      } finally {
        handle.close()
      }
    } catch (error) {
      await this.remove()
      throw error
    }
    return content.length + END_WORDS * WORD
  }
}

function unpack(index: Index, whole: Bytes): Snapshot {
  const { memorySize, tableSize, libraries, runs, memoryLength } = index
  const size = index.files.reduce((sum, [, length]) => sum + length, 0)
  // A copy, so that the memory's bytes can go when Python has them.
  const content = whole.slice(memoryLength, memoryLength + size)
  const files = new Map<string, Bytes>()
  let at = 0
  for (const [path, length] of index.files) {
    files.set(path, content.subarray(at, at + length))
    at += length
  }
  const header = Uint8Array.from(index.header)
  const memory = whole.subarray(0, memoryLength)
  return { header, memorySize, tableSize, libraries, runs, memory, files }
}

function writeAt(handle: FileSystemSyncAccessHandle, at: number, bytes: Bytes): void {
  if (handle.write(bytes, { at }) < bytes.length) {
    throw new DOMException('it does not fit', 'QuotaExceededError')
  }
}

/** Two sums over all words, each of which changes with any bit: ten milliseconds for 30 MB. */
function checksums(words: Uint32Array): readonly [number, number] {
  let even = 1
  let odd = 2
  const pairs = words.length - (words.length % 2)
  for (let at = 0; at < pairs; at += 2) {
    even = Math.imul(even ^ (words[at] ?? 0), 0x9e3779b1)
    odd = Math.imul(odd ^ (words[at + 1] ?? 0), 0x85ebca6b)
  }
  if (pairs < words.length) even = Math.imul(even ^ (words[pairs] ?? 0), 0x9e3779b1)
  return [even >>> 0, odd >>> 0]
}

async function hashOf(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text)
  return bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}

/** Return *value* as JSON, filled up with spaces to whole words. */
function encode(value: object): Bytes {
  const bytes = new TextEncoder().encode(JSON.stringify(value))
  const padded = new Uint8Array(Math.ceil(bytes.length / WORD) * WORD).fill(0x20)
  padded.set(bytes)
  return padded
}
