/** Python's event loop must not crowd out the worker's other tasks. */

import { expect, test } from 'vitest'
import { withFairTurns } from '../../../../web/spa/worker/python/patches'

const soon = () => new Promise((resolve) => setTimeout(resolve, 20))

test('posts that nobody has taken yet are one message, a later one is another', async () => {
  const channel = await withFairTurns(async () => new MessageChannel())
  let taken = 0
  channel.port1.onmessage = () => {
    taken += 1
    if (taken === 1) channel.port2.postMessage(0)
  }

  for (let post = 0; post < 5; post++) channel.port2.postMessage(0)
  await soon()

  expect(taken).toBe(2)
})

test('the real MessageChannel is back afterwards, also when loading fails', async () => {
  const real = globalThis.MessageChannel
  await expect(withFairTurns(() => Promise.reject(new Error('no')))).rejects.toThrow('no')

  expect(globalThis.MessageChannel).toBe(real)
})
