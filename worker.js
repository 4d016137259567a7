// The Web Worker's entry: new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
import { startHost } from './web/spa/worker/host'

startHost(self)
