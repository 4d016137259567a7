/** A tab's part while another tab owns the engine: find it, ask it, notice when it falls silent. */

import type { Connection } from '../../core/connection'
import { DurablyError } from '../../core/errors'
import { unreachable } from '../bridge/failure'
import type { BetweenPages, ReadyInfo } from '../bridge/protocol'
import { Canceller } from './cancels'
import { ChannelLink } from './channel-link'
import type { Part, Tab } from './part'
import { Silence } from './silence'

/** No engine answers, and one will soon. */
export const HANDING_OVER: Connection = { role: 'handing-over', boot: null, problem: null }
const FOLLOWING: Connection = { role: 'follower', boot: null, problem: null }

type Booting = Extract<BetweenPages, { readonly kind: 'booting' }>

export class Follower implements Part {
  readonly #tab: Tab
  readonly #silence: Silence
  #link: ChannelLink | null = null
  #canceller: Canceller | null = null
  #epoch: string | null = null
  #shown = HANDING_OVER

  constructor(tab: Tab) {
    this.#tab = tab
    this.#silence = new Silence({
      ask: () => tab.post({ kind: 'seek' }),
      silent: () => tab.show({ role: 'handing-over', boot: null, problem: silent(tab) }),
      over: () => tab.show(this.#shown),
      isWaiting: () => tab.session.isWaiting,
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
        this.#show(bootOf(message))
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
        if (reply.kind === 'answer') canceller.answered(reply.id)
        session.receive(reply)
        this.#silence.heard()
      },
    })
    // It is the worker that is asked. Its page shares its memory, or can end it, and cancels nothing
    // itself: by the time it gets to that, the run may have been resumed.
    const canceller = new Canceller((unanswered) =>
      tab.post({ kind: 'cancel', epoch, at: Date.now(), ...unanswered }),
    )
    this.#link = link
    this.#canceller = canceller
    this.#epoch = epoch
    this.#show(FOLLOWING)
    session.attach({
      post: (request) => {
        link.post(request)
        if (request.kind === 'call' && request.op === 'cancel') {
          canceller.asked(request.id, request.params.runId)
        }
        if (request.kind !== 'unsubscribe') this.#silence.expect()
      },
    })
    this.#tab.ready(info)
  }

  #detach(): void {
    this.#tab.session.detach()
    this.#link?.close()
    this.#canceller?.close()
    this.#link = this.#canceller = this.#epoch = null
  }

  #show(connection: Connection): void {
    this.#shown = connection
    this.#tab.show(connection)
  }
}

/** What the owner's boot looks like from here. */
function bootOf({ stage, elapsed, problem }: Booting): Connection {
  const boot = { stage, elapsed }
  return { role: 'handing-over', boot, problem: problem ? DurablyError.from(problem) : null }
}

function silent({ config }: Tab): DurablyError {
  return new DurablyError(
    'owner_silent',
    `the tab that runs the engine of "${config.store}" does not answer, as the browser has put it to sleep: show that tab, or close it, and this one goes on`,
  )
}
