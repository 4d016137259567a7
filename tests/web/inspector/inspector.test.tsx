/** The inspector as a person uses it, over the fake engine. */

import { act, cleanup, fireEvent, render, within } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DurablyClient, DurablyError, type Json } from '../../../web/core/index'
import { DurablyInspector, defineInspectorElement } from '../../../web/inspector/index'
import { DurablyProvider } from '../../../web/react/index'
import { FakeEngine } from '../support/fake-engine'

let engine: FakeEngine
let client: DurablyClient
let complaints: ReturnType<typeof vi.spyOn>

beforeEach(() => {
  engine = new FakeEngine()
  client = new DurablyClient(engine.connect())
  complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  // Nothing is laid out here: the list takes its room from these.
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600)
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(900)
})

afterEach(() => {
  cleanup()
  expect(complaints.mock.calls).toEqual([])
  vi.restoreAllMocks()
  expect(engine.subscriptions).toEqual([])
})

const gathered = (milliseconds = 350) =>
  act(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

/** Show the inspector; returns what finds things in it. */
async function show() {
  const { container } = render(
    <StrictMode>
      <DurablyProvider durably={client}>
        <DurablyInspector />
      </DurablyProvider>
    </StrictMode>,
  )
  await gathered()
  return insideOf(container.querySelector('[data-durably-inspector]'))
}

function insideOf(host: Element | null) {
  const inside = host?.shadowRoot?.querySelector<HTMLElement>('.inspector')
  if (!inside) throw new Error('there is no inspector')
  return { inside, find: within(inside) }
}

async function click(element: HTMLElement): Promise<void> {
  fireEvent.click(element)
  await gathered()
}

const type = (element: HTMLElement, value: string) =>
  fireEvent.change(element, { target: { value } })

const rows = (inside: HTMLElement) =>
  [...inside.querySelectorAll<HTMLElement>('[data-run]')].map((row) => row.dataset.run)

describe('runs', () => {
  test('an empty store says what to do', async () => {
    const { find } = await show()
    await click(find.getByRole('button', { name: 'Trigger a job' }))
    expect(find.getByRole('region', { name: 'Trigger' })).toBeTruthy()
  })

  test('the list is live and can be filtered', async () => {
    await client.trigger('import-csv', {}, { runId: 'R1', labels: { by: 'ann' } })
    const { inside, find } = await show()
    expect(rows(inside)).toEqual(['R1'])
    await client.trigger('report', {}, { runId: 'R2' })
    engine.lease('R2')
    await gathered()
    expect(rows(inside)).toEqual(['R2', 'R1'])
    expect(inside.querySelector('[data-run="R2"]')?.textContent).toContain('leased')

    await click(find.getByRole('checkbox', { name: 'pending' }))
    expect(rows(inside)).toEqual(['R1'])
    await click(find.getByRole('checkbox', { name: 'pending' }))
    type(find.getByLabelText('Job'), 'report')
    await gathered()
    expect(rows(inside)).toEqual(['R2'])
    type(find.getByLabelText('Labels'), 'by=ann')
    await gathered(700)
    expect(find.getByText('No run is like that')).toBeTruthy()
    type(find.getByLabelText('Labels'), 'nonsense')
    expect(find.getByText(/A label is written key=value/)).toBeTruthy()
    await click(find.getByRole('button', { name: 'Show all runs' }))
    expect(rows(inside)).toEqual(['R2', 'R1'])
  })

  test('a failed read is told and can be tried again', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    engine.failNext('getRuns', new DurablyError('storage_io', 'disk I/O error'))
    engine.failNext('getRuns', new DurablyError('storage_io', 'disk I/O error'))
    engine.failNext('getRuns', new DurablyError('storage_io', 'disk I/O error'))
    engine.failNext('getRuns', new DurablyError('storage_io', 'disk I/O error'))
    const { inside, find } = await show()
    expect(find.getByRole('alert').textContent).toContain('disk I/O error')
    await click(find.getByRole('button', { name: 'Try again' }))
    expect(rows(inside)).toEqual(['R1'])
  })
})

describe('a run', () => {
  async function open(runId: string) {
    const shown = await show()
    const row = shown.inside.querySelector<HTMLElement>(`[data-run="${runId}"]`)
    if (!row) throw new Error(`there is no row of ${runId}`)
    await click(row)
    return shown
  }

  test('it is seen as it goes: steps, progress, log, output', async () => {
    await client.trigger('report', { month: '2026-05' }, { runId: 'R1' })
    engine.lease('R1')
    const { find } = await open('R1')
    expect(find.getByRole('region', { name: 'Input' }).textContent).toContain('2026-05')
    engine.step('R1', 'read', { rows: 3 })
    engine.progress('R1', { current: 1, total: 2, message: 'half' })
    engine.log('R1', 'read three rows')
    await gathered()
    expect(find.getByRole('button', { name: /^read/ })).toBeTruthy()
    expect(find.getByText('half')).toBeTruthy()
    expect(find.getByText('read three rows')).toBeTruthy()
    engine.complete('R1', { total: 42 })
    await gathered()
    expect(find.getByRole('region', { name: 'Output' }).textContent).toContain('total: 42')
    await click(find.getByRole('button', { name: /^read/ }))
    expect(find.getByRole('region', { name: 'Result of read' }).textContent).toContain('rows: 3')
  })

  test('it is cancelled, resumed and retriggered', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    const { find } = await open('R1')
    await click(find.getByRole('button', { name: 'Cancel' }))
    expect(engine.run('R1').status).toBe('cancelled')
    await click(find.getByRole('button', { name: 'Resume' }))
    expect(engine.run('R1').status).toBe('pending')
    engine.fail('R1', 'bad row', 'ValueError')
    await gathered()
    expect(find.getByRole('region', { name: 'Error' }).textContent).toContain('ValueError bad row')
    await click(find.getByRole('button', { name: 'Retrigger' }))
    expect(find.getByRole('button', { name: 'Cancel' })).toBeTruthy()
    expect(engine.active({})).toHaveLength(1)
  })

  test('a run that ended and is resumed elsewhere is followed again', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    engine.fail('R1', 'bad row')
    const { find } = await open('R1')
    await new DurablyClient(engine.connect()).resume('R1')
    await gathered()
    engine.step('R1', 'again')
    await gathered()
    expect(find.getByRole('button', { name: 'Cancel' })).toBeTruthy()
    expect(find.getByRole('button', { name: /^again/ })).toBeTruthy()
  })

  test('it is deleted only after a question', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    engine.complete('R1')
    const { find } = await open('R1')
    await click(find.getByRole('button', { name: 'Delete' }))
    await click(find.getByRole('button', { name: 'Keep it' }))
    expect(engine.run('R1').status).toBe('completed')
    await click(find.getByRole('button', { name: 'Delete' }))
    await click(within(find.getByRole('dialog')).getByRole('button', { name: 'Delete' }))
    expect(find.getByText('There are no runs yet')).toBeTruthy()
  })

  test('a refusal is told', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    const { find } = await open('R1')
    engine.failNext('cancel', new DurablyError('conflict', 'it has ended'))
    await click(find.getByRole('button', { name: 'Cancel' }))
    expect(find.getByRole('alert').textContent).toContain('it has ended')
  })

  test('what is large is cut until it is asked for', async () => {
    const output = { text: 'x'.repeat(5_000), list: Array.from({ length: 300 }, (_, n) => n) }
    await client.trigger('report', {}, { runId: 'R1' })
    engine.complete('R1', output)
    const { find } = await open('R1')
    const tree = find.getByRole('region', { name: 'Output' })
    expect(tree.textContent?.length).toBeLessThan(700)
    await click(within(tree).getByRole('button', { name: 'Show all 5,000 characters' }))
    expect(tree.textContent?.length).toBeGreaterThan(5_000)
    await click(within(tree).getByRole('button', { name: /list: 300 items/ }))
    expect(within(tree).queryByText('299:')).toBeNull()
    await click(within(tree).getByRole('button', { name: 'Show all 300' }))
    expect(tree.textContent).toContain('299: 299')
  })
})

describe('trigger', () => {
  const schema: Json = {
    type: 'object',
    properties: {
      month: { type: 'string', description: 'Which one.' },
      dry: { type: 'boolean', default: false },
    },
    required: ['month'],
  }

  async function form() {
    const answer = engine.answer.bind(engine)
    vi.spyOn(engine, 'answer').mockImplementation((op, params) =>
      op === 'jobs'
        ? ([{ name: 'report', input: schema, output: {} }] as never)
        : answer(op, params),
    )
    const shown = await show()
    await click(shown.find.getByRole('button', { name: 'Trigger' }))
    return shown
  }

  test('a job is triggered by its form and followed', async () => {
    const { find } = await form()
    type(find.getByLabelText('month'), '2026-05')
    await click(find.getByLabelText('dry'))
    type(find.getByLabelText('Labels'), 'by=hand')
    await click(find.getByRole('button', { name: 'Trigger report' }))
    const [run] = engine.active({})
    expect(run).toMatchObject({ input: { month: '2026-05', dry: true }, labels: { by: 'hand' } })
    engine.complete(run?.id ?? '')
    await gathered()
    expect(find.getByText('completed')).toBeTruthy()
    await click(find.getByRole('button', { name: 'Open the run' }))
    expect(find.getByRole('heading', { name: 'report' })).toBeTruthy()
  })

  test('what the engine refuses stands at its field', async () => {
    const { find } = await form()
    const problems = [{ path: ['month'], message: 'is no month' }]
    engine.failNext('trigger', new DurablyError('validation', 'refused', { problems }))
    await click(find.getByRole('button', { name: 'Trigger report' }))
    const month = find.getByLabelText('month')
    expect(month.getAttribute('aria-invalid')).toBe('true')
    const described = month.getAttribute('aria-describedby')?.split(' ') ?? []
    const root = month.getRootNode() as ShadowRoot
    const said = described.map((id) => root.getElementById(id)?.textContent)
    expect(said).toEqual(['Which one.', 'is no month'])
  })

  test('it can be written as JSON', async () => {
    const { find } = await form()
    await click(find.getByRole('button', { name: 'Write it as JSON' }))
    type(find.getByLabelText('Input as JSON'), '{"month": ')
    await click(find.getByRole('button', { name: 'Trigger report' }))
    expect(find.getByRole('alert').textContent).toContain('no JSON')
    type(find.getByLabelText('Input as JSON'), '{"month": "x", "more": [1]}')
    await click(find.getByRole('button', { name: 'Trigger report' }))
    expect(engine.active({})[0]?.input).toEqual({ month: 'x', more: [1] })
  })
})

describe('store and engine', () => {
  const healthy = {
    state: 'ok',
    fault: null,
    workerId: 'w',
    activeRuns: [],
    parkedJobs: [],
  } as const
  const storage = { usage: 2_000_000, quota: 10_000_000, persisted: false }

  test('a store elsewhere has nothing to export', async () => {
    const { find } = await show()
    await click(find.getByRole('button', { name: 'Store' }))
    expect(find.getByText('The store is not on this device')).toBeTruthy()
  })

  test('a reset has to be typed', async () => {
    engine.health = { ...healthy, storage }
    const reset = vi.spyOn(client, 'resetStore').mockResolvedValue(undefined)
    const { find } = await show()
    await click(find.getByRole('button', { name: 'Store' }))
    expect(find.getByText('2 MB')).toBeTruthy()
    await click(find.getByRole('button', { name: 'Reset the store' }))
    const button = find.getByRole('button', { name: 'Reset' })
    expect(button).toHaveProperty('disabled', true)
    type(find.getByLabelText(/Type reset/), 'reset')
    await click(button)
    expect(reset).toHaveBeenCalledOnce()
    expect(find.getByText('The store is empty now.')).toBeTruthy()
  })

  test('a fault, parked jobs and runs under way are shown', async () => {
    await client.trigger('report', {}, { runId: 'R1' })
    const fault = { code: 'storage_full', message: 'no room', since: '2026-01-01T00:00:00.000Z' }
    const under = { activeRuns: ['R1'], parkedJobs: ['gone'] }
    engine.health = { ...healthy, ...under, state: 'degraded', fault }
    const { find } = await show()
    await click(find.getByRole('button', { name: 'Engine' }))
    expect(find.getByText('no room')).toBeTruthy()
    expect(find.getByText('gone')).toBeTruthy()
    await click(find.getByRole('button', { name: 'R1' }))
    expect(find.getByRole('heading', { name: 'report' })).toBeTruthy()
  })
})

test('the element takes properties that were set before it was defined', async () => {
  const element = document.createElement('durably-inspector')
  Object.assign(element, { durably: client })
  element.setAttribute('view', 'engine')
  document.body.append(element)
  defineInspectorElement()
  defineInspectorElement()
  await gathered()
  expect(insideOf(element).find.getByRole('region', { name: 'Engine' })).toBeTruthy()
  Object.assign(element, { theme: 'dark' })
  await gathered()
  expect(insideOf(element).inside.dataset.theme).toBe('dark')
  await act(async () => element.remove())
  await gathered()
})

describe('waits', () => {
  test('what a run waits for is shown, answered, and led through', async () => {
    await client.trigger('import-csv', {}, { runId: 'R1' })
    engine.wait('R1', 'W', { name: 'approval', metadata: { who: 'the boss' } })
    const { inside, find } = await show()
    expect(inside.querySelector('[data-run="R1"]')?.textContent).toContain('waiting')
    await click(inside.querySelector<HTMLElement>('[data-run="R1"]') as HTMLElement)

    const wait = inside.querySelector('[data-wait="approval"]')
    expect(wait?.textContent).toContain('the boss')
    type(find.getByLabelText('Answer, as JSON'), 'no json')
    await click(find.getByRole('button', { name: 'Answer approval' }))
    expect(find.getByRole('alert').textContent).toContain('This is no JSON')
    type(find.getByLabelText('Answer, as JSON'), '{"approved": true}')
    await click(find.getByRole('button', { name: 'Answer approval' }))
    expect(find.queryByRole('button', { name: 'Answer approval' })).toBeNull()
    expect(await client.getWait('W')).toMatchObject({ payload: { approved: true } })
  })
})
