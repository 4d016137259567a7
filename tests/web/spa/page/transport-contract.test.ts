/** Each way from a tab to the engine keeps what every transport owes its client. */

import { createWorkerTransport } from '../../../../web/spa/page/worker-transport'
import { transportContract } from '../../contract/transport-contract'
import { FakeEngine } from '../../support/fake-engine'
import { FakeWorker } from '../../support/fake-worker'
import { Store } from '../../support/tabs'

transportContract({
  name: 'worker',
  create: async () => {
    const engine = new FakeEngine()
    const config = { manifestUrl: 'http://localhost/manifest.json', store: 'test' }
    const transport = createWorkerTransport(() => new FakeWorker(engine), config)
    await transport.ready
    return { transport, engine }
  },
})

transportContract({
  name: 'owner',
  create: async () => {
    const store = new Store()
    const { transport } = store.open()
    await transport.ready
    return { transport, engine: store.engine }
  },
})

transportContract({
  name: 'follower',
  create: async () => {
    const store = new Store()
    const { follower } = await store.openTwo()
    return { transport: follower.transport, engine: store.engine }
  },
})
