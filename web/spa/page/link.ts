/** The way to one engine, as a session uses it. It ends with the engine, or before. */

import type { Reply, Request } from '../bridge/protocol'

export interface Link {
  post(request: Request): void
}

export interface LinkListener {
  reply(reply: Reply): void
}
