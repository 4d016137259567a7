/**
 * The app's own engine, started where the app's build has put its parts. A bundler's plugin puts
 * another module in the place of this one, which knows where that is and which store is meant.
 */

import { DurablyError } from '../core/index'
import type { OfflineApp } from '../offline/index'
import type { Starting, TabCallbacks } from '../spa/page/index'

/** What an app may say of its engine beyond what its build knows. */
export interface AppOptions extends TabCallbacks {
  /** Name of the store; default: what the plugin was told. */
  readonly store?: string
  /** Start Python from a memory snapshot, and make one after a boot without. Default: true. */
  readonly snapshot?: boolean
}

/** Start the app's engine, in this tab or in another that has the store open: once for a page. */
export function startApp(_options?: AppOptions): Starting {
  throw new DurablyError(
    'boot_failed',
    'nothing says where the parts of this app lie: build it with the durablyPy() plugin of ' +
      'durably-py/vite, or call startDurably() with their addresses',
  )
}

/** The client of a `DurablyProvider` that is given none, started once; null without a plugin. */
export function appClient(): Starting | null {
  return null
}

/** What keeps the app for when there is no network; null where the build was not told to. */
export function appOffline(): OfflineApp | null {
  return null
}
