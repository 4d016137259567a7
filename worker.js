// The Web Worker's entry: new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
import { startHost } from './web/worker/host'

startHost(self)
