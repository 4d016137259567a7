/** A tab's part while another tab owns the engine: find it, ask it, notice when it falls silent. */

import type { Connection } from '../core/connection'
import { DurablyError } from '../core/errors'
import { ChannelLink } from './channel-link'
import type { BetweenPages, ReadyInfo } from './protocol'
import { Silence } from './silence'
import type { Part, Tab } from './tab'
import { unreachable } from './unreachable'

/** No engine answers, and one will soon. */
export const HANDING_OVER: Connection = { role: 'handing-over', boot: null, problem: null }
const FOLLOWING: Connection = { role: 'follower', boot: null, problem: null }

export class Follower implements Part {
  readonly #tab: Tab
  readonly #silence: Silence
  #link: ChannelLink | null = null
  #epoch: string | null = null
  #shown = HANDING_OVER

  constructor(tab: Tab) {
    this.#tab = tab
    this.#silence = new Silence({
      ask: () => tab.post({ kind: 'seek' }),
      silent: () => tab.show({ role: 'handing-over', boot: null, problem: silent(tab) }),
      over: () => tab.show(this.#shown),
    })
    this.#show(HANDING_OVER)
    this.look()
  }

  /** Ask for a sign of the owner now. */
  look(): void {
    this.#silence.askNow()
  }

  hear(message: BetweenPages): void {
    switch (message.kind) {
      case 'seek':
      case 'cancel':
        break // Another follower's.
      case 'booting':
        this.#detach()
        this.#silence.heard()
        this.#silence.expect()
        this.#show({ ...HANDING_OVER, boot: { stage: message.stage, elapsed: message.elapsed } })
        break
      case 'ready':
        this.#silence.heard()
        if (message.epoch !== this.#epoch) this.#follow(message.epoch, message.info)
        break
      case 'leaving':
        this.#detach()
        this.#silence.heard()
        // The lock goes to the next tab, and that one is heard, or it is this one.
        this.#silence.expect()
        this.#show(HANDING_OVER)
        break
      default:
        unreachable(message)
    }
  }

  leave(): void {
    this.#silence.close()
    this.#detach()
  }

  async close(): Promise<void> {
    this.leave()
  }

  #follow(epoch: string, info: ReadyInfo): void {
    this.#detach()
    const tab = this.#tab
    const { config, session } = tab
    const link = new ChannelLink(config.store, epoch, {
      reply: (reply) => {
        this.#silence.heard()
        session.receive(reply)
      },
    })
    this.#link = link
    this.#epoch = epoch
    this.#show(FOLLOWING)
    session.attach({
      post: (request) => {
        link.post(request)
        if (request.kind === 'call' && request.op === 'cancel') {
          tab.post({ kind: 'cancel', runId: request.params.runId })
        }
        if (request.kind !== 'unsubscribe') this.#silence.expect()
      },
    })
    this.#tab.ready(info)
  }

  #detach(): void {
    this.#tab.session.detach()
    this.#link?.close()
    this.#link = this.#epoch = null
  }

  #show(connection: Connection): void {
    this.#shown = connection
    this.#tab.show(connection)
  }
}

function silent({ config }: Tab): DurablyError {
  return new DurablyError(
    'owner_silent',
    `the tab that runs the engine of "${config.store}" does not answer, as the browser has put it to sleep: show that tab, or close it, and this one goes on`,
  )
}
