/** The list of runs without a screen: how many there are, which pages are read, what changes them. */

import { expect, test } from 'vitest'
import { DurablyClient } from '../../../web/core/index'
import { countRuns } from '../../../web/inspector/runs/count-runs'
import { filterOf } from '../../../web/inspector/runs/run-filters'
import { PAGE_SIZE, RunPages } from '../../../web/inspector/runs/run-pages'
import { FakeEngine } from '../support/fake-engine'

const gathered = (milliseconds = 300) => new Promise((resolve) => setTimeout(resolve, milliseconds))

test.each([0, 1, 2, 99, 128, 129, 640, 5_000, 100_000, 131_072])(
  '%i runs are counted, from nothing and from any guess',
  async (count) => {
    for (const guess of [0, 1, count - 1, count, count + 1, count + 700, 3 * count]) {
      if (guess < 0) continue
      let asked = 0
      const isRunAt = async (place: number) => {
        asked += 1
        return place < count
      }
      expect(await countRuns(isRunAt, guess)).toBe(count)
      expect(asked).toBeLessThan(40)
      if (count > 0 && guess === count) expect(asked).toBe(2)
    }
  },
)

async function listOf(count: number) {
  const engine = new FakeEngine()
  const client = new DurablyClient(engine.connect())
  const items = Array.from({ length: count }, (_, n) => ({ input: { n }, runId: `R${n}` }))
  await client.batchTrigger('import-csv', items)
  const pages = new RunPages(client)
  return { engine, client, pages }
}

test('only pages that are looked at are read, and all runs are counted', async () => {
  const { engine, pages } = await listOf(1_050)
  const stop = pages.subscribe(() => undefined)
  pages.show(0, 20)
  await gathered()
  expect(pages.getSnapshot()).toMatchObject({ count: 1_050, isCounted: true, error: null })
  expect([...pages.getSnapshot().pages.keys()]).toEqual([0])

  // What is scrolled past while one is read is never asked for.
  pages.show(300, 320)
  pages.show(500, 520)
  pages.show(1_000, 1_049)
  await gathered()
  expect([...pages.getSnapshot().pages.keys()]).toEqual([0, 3, 10])
  expect(pages.getSnapshot().pages.get(10)).toHaveLength(50)
  const read = engine.calls.filter(
    ({ params }) => (params as { limit?: number }).limit === PAGE_SIZE,
  )
  expect(read.length).toBeLessThan(5)
  stop()
})

test('new runs, changes and progress come by themselves; a burst of them is one question', async () => {
  const { engine, client, pages } = await listOf(3)
  const stop = pages.subscribe(() => undefined)
  await gathered()
  const before = engine.calls.length
  for (let n = 0; n < 50; n += 1) await client.trigger('report', {})
  engine.lease('R0')
  await gathered(900)
  expect(pages.getSnapshot()).toMatchObject({ count: 53 })
  expect(pages.getSnapshot().pages.get(0)?.at(-1)).toMatchObject({ id: 'R0', status: 'leased' })
  expect(engine.calls.length - before - 50).toBeLessThan(16)

  engine.progress('R0', { current: 1, total: 4 })
  await gathered()
  expect(pages.getSnapshot().pages.get(0)?.at(-1)?.progress).toEqual({ current: 1, total: 4 })
  stop()
  expect(engine.subscriptions).toEqual([])
})

test('filters are asked for as the engine has them', () => {
  expect(filterOf({ jobName: '', statuses: [], labels: '' })).toEqual({})
  expect(filterOf({ jobName: 'a', statuses: ['failed'], labels: ' x=1,  y=a=b ' })).toEqual({
    jobName: 'a',
    status: ['failed'],
    labels: { x: '1', y: 'a=b' },
  })
  expect(filterOf({ jobName: '', statuses: [], labels: 'nonsense' })).toBeNull()
})
