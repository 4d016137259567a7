import { act, cleanup, render, renderHook, screen } from '@testing-library/react'
import { Component, type ReactNode, StrictMode, Suspense } from 'react'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Connection, DurablyClient, DurablyError, Watched } from '../../../web/core/index'
import { DurablyProvider, useDurably, useJob } from '../../../web/react/index'
import { FakeEngine } from '../support/fake-engine'

let client: DurablyClient

beforeEach(() => {
  client = new DurablyClient(new FakeEngine().connect())
})

afterEach(cleanup)

/** A client that is still starting, and how that ends. */
function startingClient() {
  let resolve: (started: DurablyClient) => void = () => undefined
  let reject: (error: DurablyError) => void = () => undefined
  const promise = new Promise<DurablyClient>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve, reject }
}

/** Shows the code of the error that reached it. */
class Boundary extends Component<
  { readonly children: ReactNode },
  { readonly code: string | null }
> {
  override state = { code: null }

  static getDerivedStateFromError(error: unknown) {
    return { code: error instanceof DurablyError ? error.code : String(error) }
  }

  override render() {
    return this.state.code === null ? this.props.children : <p>failed: {this.state.code}</p>
  }
}

function Screen() {
  const { durably } = useDurably()
  const { status } = useJob('import-csv')
  return (
    <p>
      {durably === client ? 'ready' : 'wrong'} {status ?? 'idle'}
    </p>
  )
}

describe('a client', () => {
  test('is there in the first render, and stays the same object', () => {
    const { result, rerender } = renderHook(() => useDurably(), {
      wrapper: ({ children }) => <DurablyProvider durably={client}>{children}</DurablyProvider>,
    })
    const first = result.current
    rerender()

    expect(first.durably).toBe(client)
    expect(result.current).toBe(first)
  })
})

describe('the status of the engine', () => {
  test('is there beside the client, and renders at each change', async () => {
    const connection = new Watched<Connection>({ role: 'owner', boot: null, problem: null })
    client = new DurablyClient(Object.assign(new FakeEngine().connect(), { connection }))
    const { result } = renderHook(() => useDurably(), {
      wrapper: ({ children }) => (
        <StrictMode>
          <DurablyProvider durably={client}>{children}</DurablyProvider>
        </StrictMode>
      ),
    })
    expect(result.current).toMatchObject({ role: 'owner', boot: null, problem: null })
    await vi.waitFor(() => expect(result.current.health?.state).toBe('ok'))

    const boot = { stage: 'python', elapsed: 5 }
    act(() => connection.set({ role: 'handing-over', boot, problem: null }))

    expect(result.current).toMatchObject({ durably: client, role: 'handing-over', boot })
  })
})

describe('a promise', () => {
  test('shows the fallback until it is fulfilled', async () => {
    const { promise, resolve } = startingClient()
    await act(async () =>
      render(
        <StrictMode>
          <DurablyProvider durably={promise} fallback={<p>starting</p>}>
            <Screen />
          </DurablyProvider>
        </StrictMode>,
      ),
    )
    expect(screen.getByText('starting')).toBeDefined()

    await act(async () => resolve(client))
    expect(screen.getByText('ready idle')).toBeDefined()
    expect(screen.queryByText('starting')).toBeNull()
  })

  test('without a fallback leaves waiting to the Suspense above', async () => {
    const { promise, resolve } = startingClient()
    await act(async () =>
      render(
        <Suspense fallback={<p>outer</p>}>
          <DurablyProvider durably={promise}>
            <Screen />
          </DurablyProvider>
        </Suspense>,
      ),
    )
    expect(screen.getByText('outer')).toBeDefined()

    await act(async () => resolve(client))
    expect(screen.getByText('ready idle')).toBeDefined()
  })

  test('that is rejected reaches the error boundary with its code', async () => {
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { promise, reject } = startingClient()
    await act(async () =>
      render(
        <Boundary>
          <DurablyProvider durably={promise} fallback={<p>starting</p>}>
            <Screen />
          </DurablyProvider>
        </Boundary>,
      ),
    )

    await act(async () => reject(new DurablyError('opfs_unavailable', 'no private file system')))
    expect(screen.getByText('failed: opfs_unavailable')).toBeDefined()
    complaints.mockRestore()
  })
})

test('a hook without a provider says what is missing', () => {
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  render(
    <Boundary>
      <Screen />
    </Boundary>,
  )

  expect(screen.getByText('failed: provider_missing')).toBeDefined()
  complaints.mockRestore()
})
