/** Starts Python in its worker once, and tells the page how far that is. */

import type { ClientRun, DurablyClient, DurablyError, RunStore } from '../core/index'
import { BOOT_STAGES, type BootStage, type StartOptions, startDurably } from '../spa/page/index'
import { importCsv } from './jobs'

const STORE = 'durably-demo'

const LINES: Readonly<Record<BootStage, string>> = {
  manifest: 'Looking up the parts',
  storage: 'Opening the private storage',
  python: 'Starting Python',
  packages: 'Unpacking the packages',
  database: 'Opening the database',
  ready: 'Ready',
}

export interface BootState {
  readonly stage: BootStage
  readonly line: string
  readonly done: number
  readonly total: number
  /** Why Python does not answer yet, such as a sleeping tab that runs it. */
  readonly problem: DurablyError | null
}

/** Start the engine over *store*; *onBoot* is told of each stage. */
export function startEngine(
  store: string,
  onBoot: (stage: BootStage) => void = () => undefined,
  listeners: Pick<StartOptions, 'onConnection' | 'onReady' | 'onSnapshot'> = {},
): Promise<DurablyClient> {
  return startDurably({
    worker: () =>
      new Worker(new URL('../../worker.js', import.meta.url), { type: 'module', name: 'durably' }),
    manifestUrl: '/durably/manifest.json',
    store,
    onBoot: ({ stage }) => onBoot(stage),
    ...listeners,
  })
}

/** The one boot of this page. Shape of its state fits `useSyncExternalStore`. */
export class Boot {
  readonly client: Promise<DurablyClient>
  /** The newest import when the engine is ready; its run store knows its status already. */
  readonly latest: Promise<ClientRun | null>
  readonly #listeners = new Set<() => void>()
  #latestStore: RunStore | null = null
  #state: BootState = stateAt('manifest')

  constructor() {
    this.client = startEngine(STORE, undefined, {
      onConnection: ({ boot, problem }) => {
        const { stage } = this.#state
        this.#state = stateAt(BOOT_STAGES.find((known) => known === boot?.stage) ?? stage, problem)
        for (const notify of this.#listeners) notify()
      },
    })
    this.latest = this.client.then(async (client) => {
      const [run] = await client.getRuns({ jobName: importCsv.name, limit: 1 })
      if (run === undefined) return null
      // Kept, so that the hook finds this store and shows the true status from its first render on.
      this.#latestStore = client.runStore(run.id)
      this.#latestStore.assume(run)
      return run
    })
    // A failed boot is thrown to the page by `client`; here it must not be an unhandled one.
    this.latest.catch(() => undefined)
  }

  readonly getSnapshot = (): BootState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

function stateAt(stage: BootStage, problem: DurablyError | null = null): BootState {
  const done = BOOT_STAGES.indexOf(stage)
  return { stage, line: LINES[stage], done, total: BOOT_STAGES.length - 1, problem }
}
