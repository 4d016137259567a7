/** The memory by which a page stops Python code that gives its worker no turn: its layout, and both ends. */

/** What Pyodide looks at between two operations: a number there is the signal that it raises. */
const SIGNAL_AT = 0
const SIGINT = 2
/** Which run's sync code executes: its token, or 0. */
const RUNNING_AT = 4
const LENGTH_AT = 8
/** The ids of the runs to be stopped, one per line. */
const REQUESTED_AT = 12
const SIZE = 1024

/** The page's end. */
export class InterruptSender {
  readonly memory = new SharedArrayBuffer(SIZE)
  readonly #view = new DataView(this.memory)

  /** Stop the code of these runs, if any of it executes now. */
  send(runIds: readonly string[]): void {
    const bytes = new TextEncoder().encode(runIds.join('\n')).subarray(0, SIZE - REQUESTED_AT)
    new Uint8Array(this.memory).set(bytes, REQUESTED_AT)
    this.#view.setUint32(LENGTH_AT, bytes.length)
    this.#view.setUint8(SIGNAL_AT, SIGINT)
  }

  /** Tell which of these runs has sync code that executes now; null: none has, or it isn't known. */
  running(runIds: readonly string[]): string | 'another' | null {
    const token = this.#view.getUint32(RUNNING_AT)
    if (token === 0) return null
    return runIds.find((runId) => tokenOf(runId) === token) ?? 'another'
  }
}

/** The worker's end. */
export class InterruptReceiver {
  readonly #memory: SharedArrayBuffer
  readonly #view: DataView

  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory
    this.#view = new DataView(memory)
  }

  /** For Pyodide's `setInterruptBuffer`. */
  get signal(): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#memory, SIGNAL_AT, 1)
  }

  readonly requested = (): string => {
    const bytes = new Uint8Array(this.#memory, REQUESTED_AT, this.#view.getUint32(LENGTH_AT))
    // A decoder takes no shared memory.
    return new TextDecoder().decode(bytes.slice())
  }

  readonly mark = (token: number): void => {
    this.#view.setUint32(RUNNING_AT, token)
  }
}

/** The number that stands for a run where only numbers are shared: FNV-1a, never 0, as in Python. */
export function tokenOf(runId: string): number {
  let token = 0x811c9dc5
  for (const byte of new TextEncoder().encode(runId)) {
    token = Math.imul(token ^ byte, 0x01000193) >>> 0
  }
  return token || 1
}
