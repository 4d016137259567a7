/** The engine in a Web Worker, as a page sees it. */

export type { BootProgress } from '../../core/connection'
export {
  BOOT_STAGES,
  type BootConfig,
  type BootStage,
  type ReadyInfo,
  type SnapshotNotice,
} from '../bridge/protocol'
export { type Starting, type StartOptions, startDurably } from './start-durably'
export { type TabCallbacks, type TabOptions, TabTransport } from './tab-transport'
export {
  createWorkerTransport,
  type WorkerTransport,
  type WorkerTransportOptions,
} from './worker-transport'
