/** What the lab's page gives to whoever drives it. */

import type { DurablyClient, ReadyInfo, SnapshotNotice } from 'durably-py'

declare global {
  interface Window {
    /** Set when Python is ready. */
    lab: DurablyClient
    /** What each engine said when it was ready, and what became of memory snapshots. */
    boots: ReadyInfo[]
    snapshots: SnapshotNotice[]
  }
}
