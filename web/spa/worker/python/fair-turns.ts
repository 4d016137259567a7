/** Let the worker's timers and messages have their turn between Python's tasks. */

/**
 * A `MessageChannel` for one use: "call me soon". Posts that nobody has taken yet are one message.
 *
 * Pyodide's event loop posts a message for each callback, and takes all waiting callbacks at each
 * message. So its messages outnumber its callbacks more and more while Python has work, and every
 * timer and every message of the page waits in line behind them: for seconds, after seconds.
 */
class SoonChannel {
  readonly port1: { onmessage: ((event: MessageEvent) => void) | null } = { onmessage: null }
  readonly port2: { postMessage: (message: unknown) => void }

  constructor() {
    const channel = new RealChannel()
    let isPosted = false
    channel.port1.onmessage = (event) => {
      isPosted = false
      this.port1.onmessage?.(event)
    }
    this.port2 = {
      postMessage: (message) => {
        if (isPosted) return
        isPosted = true
        channel.port2.postMessage(message)
      },
    }
  }
}

const RealChannel = MessageChannel

/** Run *load*, which may keep a channel for its event loop; that one is fair. */
export async function withFairTurns<T>(load: () => Promise<T>): Promise<T> {
  Reflect.set(globalThis, 'MessageChannel', SoonChannel)
  try {
    return await load()
  } finally {
    Reflect.set(globalThis, 'MessageChannel', RealChannel)
  }
}
