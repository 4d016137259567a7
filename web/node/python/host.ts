/** Python on a thread of its own under Node: Pyodide is the only Python that is needed. */

import { Worker } from 'node:worker_threads'
import { ownFile } from '../own-files'
import type { Answer, Operations, Request } from './protocol'

/** Milliseconds that a call may take: a module whose import never ends must not hold a build. */
const PATIENCE = 120_000

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class PythonHost {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #onPrint: (line: string) => void
  #last = 0

  constructor(onPrint: (line: string) => void) {
    this.#onPrint = onPrint
    // Node's own flags may be meant for the main thread alone.
    this.#worker = new Worker(ownFile('python-thread.js'), { execArgv: [] })
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#take(answer))
    this.#worker.on('error', (error) => this.#end(error))
    this.#worker.on('exit', () => this.#end(new Error('Python ended')))
  }

  async call<Op extends keyof Operations>(
    op: Op,
    params: Operations[Op]['params'],
    patience = PATIENCE,
  ): Promise<Operations[Op]['result']> {
    const id = ++this.#last
    const request: Request = { id, op, params }
    // Node must stay alive for the answer, and for nothing else.
    this.#worker.ref()
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise<Operations[Op]['result']>((resolve, reject) => {
        this.#waiting.set(id, { resolve: (result) => resolve(result as never), reject })
        timer = setTimeout(() => {
          reject(new Error(`Python did not answer within ${patience / 1000} s (${op})`))
          void this.close()
        }, patience)
        this.#worker.postMessage(request)
      })
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#worker.unref()
    }
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #take(answer: Answer): void {
    if ('printed' in answer) {
      this.#onPrint(answer.printed)
      return
    }
    const waiting = this.#waiting.get(answer.id)
    if ('error' in answer) waiting?.reject(new Error(answer.error))
    else waiting?.resolve(answer.result)
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}
