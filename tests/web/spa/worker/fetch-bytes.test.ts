/** What a boot fetches: an answer is final, no answer is not. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DurablyError } from '../../../../web/core/errors'
import type { FromWorker } from '../../../../web/spa/bridge/protocol'
import { fetchBytes, OutOfReach } from '../../../../web/spa/worker/python/fetch-bytes'
import { fetchArchive, fetchManifest } from '../../../../web/spa/worker/python/manifest'
import { fetchRuntime, type Runtime, withFetched } from '../../../../web/spa/worker/python/runtime'
import { MemoryOpfs } from '../../support/memory-opfs'
import { NodeWorker, stubWorkerGlobals } from '../../support/node-worker'

const MANIFEST_URL = 'http://localhost/durably/manifest.json'
const MANIFEST = {
  buildId: 'b',
  pyodide: { version: '314.0.7', base: 'pyodide/', stdlib: 'stdlib.zip' },
  archives: [],
  modules: [],
}

afterEach(() => vi.unstubAllGlobals())

type Answer = (url: string, options?: RequestInit) => Response | Promise<Response>

/** Let every fetch be answered by *answer*; return with what cache mode each was made. */
function stubFetch(answer: Answer): (RequestCache | undefined)[] {
  const modes: (RequestCache | undefined)[] = []
  vi.stubGlobal('fetch', async (url: string, options?: RequestInit) => {
    modes.push(options?.cache)
    return answer(url, options)
  })
  return modes
}

const offline = (): never => {
  throw new TypeError('Failed to fetch')
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

/** A connection that ends in the middle of a file. */
const torn = () =>
  new Response(
    new ReadableStream({
      start: (controller) => {
        controller.enqueue(new Uint8Array(10))
        controller.error(new TypeError('network error'))
      },
    }),
    { headers: { 'Content-Type': 'application/wasm' } },
  )

describe('a file', () => {
  const outages: readonly (readonly [name: string, answer: Answer])[] = [
    ['no network', offline],
    ['a connection that breaks off', torn],
    ...[408, 425, 429, 500, 502, 503, 504].map(
      (status) => [`status ${status}`, () => new Response(null, { status })] as const,
    ),
  ]

  test.each(outages)('is out of reach by %s: it may come at the next try', async (_, answer) => {
    stubFetch(answer)

    const error = await thrownBy(fetchBytes(MANIFEST_URL))

    expect(error).toBeInstanceOf(OutOfReach)
    expect(error).toMatchObject({
      code: 'boot_failed',
      message: expect.stringContaining(MANIFEST_URL),
    })
  })

  test.each([400, 401, 403, 404, 410])('is not there by status %i', async (status) => {
    stubFetch(() => new Response(null, { status }))

    const error = await thrownBy(fetchBytes(MANIFEST_URL))

    expect(error).not.toBeInstanceOf(OutOfReach)
    expect(error).toMatchObject({
      code: 'boot_failed',
      message: `${MANIFEST_URL} answered ${status}`,
    })
  })

  test('with other bytes than the manifest says is an answer', async () => {
    stubFetch(() => new Response('other'))
    const archive = { url: 'jobs.zip', format: 'zip', sha256: '00' } as const

    const error = await thrownBy(fetchArchive(archive, MANIFEST_URL))

    expect(error).not.toBeInstanceOf(OutOfReach)
    expect(error).toMatchObject({ code: 'boot_failed' })
  })
})

describe('the manifest', () => {
  test('is the newest: a new page never meets an old one', async () => {
    const modes = stubFetch(() => Response.json(MANIFEST))

    expect(await fetchManifest(MANIFEST_URL)).toEqual(MANIFEST)
    expect(modes).toEqual(['no-cache'])
  })

  test('is the one that the browser has, when there is no network', async () => {
    const modes = stubFetch((_, options) =>
      options?.cache === 'force-cache' ? Response.json(MANIFEST) : offline(),
    )

    expect(await fetchManifest(MANIFEST_URL)).toEqual(MANIFEST)
    expect(modes).toEqual(['no-cache', 'force-cache'])
  })

  test('is out of reach when there is neither', async () => {
    stubFetch(offline)

    expect(await thrownBy(fetchManifest(MANIFEST_URL))).toBeInstanceOf(OutOfReach)
  })

  test.each([
    ['a start page', () => new Response('<!doctype html>')],
    ['no such file', () => new Response(null, { status: 404 })],
  ])('that is %s is final, and no cache is asked', async (_, answer) => {
    const modes = stubFetch(answer)

    const error = await thrownBy(fetchManifest(MANIFEST_URL))

    expect(error).not.toBeInstanceOf(OutOfReach)
    expect(error).toMatchObject({ code: 'boot_failed' })
    expect(modes).toEqual(['no-cache'])
  })
})

describe("Python's own files", () => {
  /** The smallest module there is. */
  const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const wasm = () => new Response(WASM, { headers: { 'Content-Type': 'application/wasm' } })
  const folders: string[] = []

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })

  /** Begin to fetch the runtime of a worker whose scripts say *script*; null: there are none. */
  function runtimeOf(script: string | null): Runtime {
    const folder = mkdtempSync(join(tmpdir(), 'durably-runtime-'))
    folders.push(folder)
    for (const name of script === null ? [] : ['pyodide.mjs', 'pyodide.asm.mjs']) {
      writeFileSync(join(folder, name), script ?? '')
    }
    vi.stubGlobal('WorkerGlobalScope', class {})
    const base = `${pathToFileURL(folder).href}/`
    return fetchRuntime(
      { ...MANIFEST, pyodide: { version: '', base, stdlib: 'stdlib.zip' } },
      MANIFEST_URL,
    )
  }

  test('are out of reach when a script cannot be imported, nor fetched', async () => {
    stubFetch(offline)

    expect(await thrownBy(runtimeOf(null).scripts)).toBeInstanceOf(OutOfReach)
  })

  test('are out of reach when an import fails, and a moment later the script is there', async () => {
    stubFetch(wasm)

    // What browsers throw for a script that did not come.
    const error = await thrownBy(runtimeOf('throw new TypeError("Failed to fetch")').scripts)

    expect(error).toBeInstanceOf(OutOfReach)
  })

  test('are broken, which another try would not change, when a script throws', async () => {
    stubFetch(wasm)

    const error = await thrownBy(runtimeOf('throw new RangeError("broken")').scripts)

    expect(error).toMatchObject({ name: 'RangeError', message: 'broken' })
  })

  test('are fetched once more when the stream of the large one breaks off', async () => {
    const fetched: string[] = []
    stubFetch((url) => {
      fetched.push(url)
      return fetched.filter((other) => other === url).length === 1 ? torn() : wasm()
    })
    const { base, ahead } = runtimeOf('')

    expect(await ahead?.wasm.module).toBeInstanceOf(WebAssembly.Module)
    expect(fetched.filter((url) => url === `${base}pyodide.asm.wasm`)).toHaveLength(2)
  })

  test('are out of reach when the large one is', async () => {
    stubFetch(offline)

    expect(await thrownBy(runtimeOf('').ahead?.wasm.module ?? Promise.resolve())).toBeInstanceOf(
      OutOfReach,
    )
  })

  test('end the load at once when one of them is missed, though Pyodide goes on without', async () => {
    stubFetch((url) => (url.endsWith('.wasm') ? wasm() : offline()))
    const runtime = runtimeOf('')
    const realFetch = globalThis.fetch
    const load = async () => {
      await fetch(runtime.stdlib).catch(() => {})
      await new Promise(() => {})
    }

    expect(await thrownBy(withFetched(runtime, load))).toBeInstanceOf(OutOfReach)
    expect(globalThis.fetch).toBe(realFetch)
  })

  test('reach Pyodide as they are, fetched once', async () => {
    const fetched: string[] = []
    stubFetch((url) => {
      fetched.push(url)
      return url.endsWith('.wasm') ? wasm() : new Response('bytes')
    })
    const runtime = runtimeOf('')
    const load = async () => [
      await (await fetch(`${runtime.base}pyodide-lock.json`)).text(),
      (await (await fetch(`${runtime.base}pyodide.asm.wasm`)).arrayBuffer()).byteLength,
    ]

    // A boot that failed is done again with the same.
    expect(await withFetched(runtime, load)).toEqual(['bytes', 0])
    expect(await withFetched(runtime, load)).toEqual(['bytes', 0])
    expect(fetched.filter((url) => url.startsWith('http'))).toEqual([runtime.stdlib])
    expect(fetched).toHaveLength(new Set(fetched).size)
  })
})

describe('the worker', () => {
  /** Boot a worker whose fetches *answer* answers; return what its page is told of the failure. */
  async function failure(answer: Answer): Promise<FromWorker> {
    stubWorkerGlobals(new MemoryOpfs())
    stubFetch(answer)
    const worker = await NodeWorker.start()
    const told = new Promise<FromWorker>((resolve) => {
      worker.addEventListener('message', (event) => {
        const message = event instanceof MessageEvent ? (event.data as FromWorker) : null
        if (message?.kind === 'boot-failed') resolve(message)
      })
    })
    worker.postMessage({
      kind: 'boot',
      config: { manifestUrl: MANIFEST_URL, store: 'test' },
      epoch: 'e',
    })
    return told
  }

  test.each([
    ['passes', offline, true],
    ['does not pass', () => new Response(null, { status: 404 }), false],
  ])('tells its page whether a failed boot %s', async (_, answer, isPassing) => {
    expect(await failure(answer)).toMatchObject({
      kind: 'boot-failed',
      stage: 'manifest',
      error: { code: 'boot_failed' },
      isPassing,
    })
  })
})

test('crosses to the page as any other error does', () => {
  const error = new OutOfReach('x could not be loaded')

  expect(DurablyError.from(error.toPayload())).toMatchObject({
    code: 'boot_failed',
    message: 'x could not be loaded',
  })
})
