/** The fake engine keeps the contract that it is a stand-in for. */

import { transportContract } from '../contract/transport-contract'
import { FakeEngine } from '../support/fake-engine'

transportContract({
  name: 'fake engine',
  create: async () => {
    const engine = new FakeEngine()
    return { transport: engine.connect(), engine }
  },
})
