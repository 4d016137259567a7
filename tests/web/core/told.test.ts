import { afterEach, expect, test, vi } from 'vitest'
import { told } from '../../../web/core/told'
import { settle } from '../support/settle'
import { collectUncaught } from '../support/uncaught'

afterEach(() => vi.restoreAllMocks())

test('a callback is called at once, with what it is told', () => {
  const callback = vi.fn((_text: string, _count: number) => undefined)
  told(callback, 'a', 1)

  expect(callback.mock.calls).toEqual([['a', 1]])
})

test('what a callback throws is uncaught, and not the problem of who calls', async () => {
  const uncaught = collectUncaught()
  const bug = new Error('bug of the app')
  told(() => {
    throw bug
  })
  expect(uncaught).toEqual([])
  await settle()

  expect(uncaught).toEqual([bug])
})

test('without a callback nobody is told', () => {
  expect(told(undefined, 'a')).toBeUndefined()
})
