/** Tabs of one store in this process: the real locks' rules, real channels, fake workers. */

import { vi } from 'vitest'
import type { Connection } from '../../../web/core/connection'
import { type TabOptions, TabTransport } from '../../../web/spa/page/tab-transport'
import { FakeEngine } from './fake-engine'
import { type BootPlan, FakeWorker } from './fake-worker'
import { MemoryLocks } from './memory-locks'

let stores = 0

/** A tab, and what happens to its page. */
export interface FakeTab {
  readonly transport: TabTransport
  /** Every worker that this tab made. */
  readonly workers: readonly FakeWorker[]
  /** Everything that the tab showed of its connection. */
  readonly shown: readonly Connection[]
  /** Let an event of the page's life happen. */
  happen(event: 'pagehide' | 'pageshow' | 'freeze' | 'resume' | 'visibilitychange' | 'online'): void
}

export class Store {
  readonly name = `store-${++stores}`
  readonly engine = new FakeEngine()
  /** How the next workers boot. */
  plan: BootPlan = 'at once'
  readonly #tabs: FakeTab[] = []

  constructor() {
    vi.stubGlobal('navigator', { locks: new MemoryLocks() })
  }

  /** Open one more tab. */
  open(options: Partial<TabOptions> = {}): FakeTab {
    const page = new EventTarget()
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    const workers: FakeWorker[] = []
    const shown: Connection[] = []
    const config = { manifestUrl: 'http://localhost/manifest.json', store: this.name }
    const transport = new TabTransport(config, {
      worker: () => {
        const worker = new FakeWorker(this.engine, this.plan)
        workers.push(worker)
        return worker
      },
      onConnection: (connection) => shown.push(connection),
      ...options,
    })
    const happen = (event: string) => void page.dispatchEvent(new Event(event))
    const tab = { transport, workers, shown, happen }
    this.#tabs.push(tab)
    return tab
  }

  /** Open an owner, and after it a follower. */
  async openTwo(): Promise<{ readonly owner: FakeTab; readonly follower: FakeTab }> {
    const owner = this.open()
    await owner.transport.ready
    const follower = this.open()
    await follower.transport.ready
    return { owner, follower }
  }

  async close(): Promise<void> {
    for (const { transport } of this.#tabs) await transport.close()
    vi.unstubAllGlobals()
  }
}

/** What each of *tabs* is just now. */
export function rolesOf(...tabs: readonly FakeTab[]): readonly string[] {
  return tabs.map(({ transport }) => transport.connection.getSnapshot().role)
}
