/** Where is measured: the built pages, served as `npm start` does, in a Chromium with a profile on disk. */

import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from '@playwright/test'
import { build, preview } from 'vite'
import { chromiumPath } from '../scripts/chromium.mjs'
import { at } from '../scripts/paths.mjs'
import { serveStatic } from '../scripts/preview-static.mjs'

/** Longer than the slowest row of the peer takes. */
const PATIENCE = 300_000
/** A snapshot is begun after two idle seconds and takes a few. */
const SNAPSHOT_PATIENCE = 60_000
/** Longer than a browser waits before it keeps compiled code. */
const REST = 6_000

/** A served page that gives its tab a `lab`, with one browser that visits it. */
class Site {
  #server
  #path
  #browser
  #opened = 0

  constructor(server, path, browser) {
    this.#server = server
    this.#path = path
    this.#browser = browser
  }

  get origin() {
    return this.#server.origin
  }

  /** Bytes sent so far, to any browser. */
  get sent() {
    return this.#server.sent()
  }

  /**
   * Open a tab on *store*, by default a new one; resolves when its engine answers. *first* runs in
   * the page before its own scripts.
   */
  async open(store = `${Date.now()}-${this.#opened++}`, first = () => {}) {
    const page = await this.blank()
    await page.addInitScript(first)
    await page.goto(`${this.origin}${this.#path}?store=${store}`)
    await page.waitForFunction(() => 'lab' in window, undefined, { timeout: 120_000 })
    return page
  }

  async blank() {
    const page = await this.#browser.newPage()
    page.setDefaultTimeout(PATIENCE)
    return page
  }

  /**
   * Bytes of all tabs' processes, what they share divided among them; null where Linux does not tell.
   * `measureUserAgentSpecificMemory()` leaves out most of what WebAssembly takes.
   */
  async processMemory() {
    if (process.platform !== 'linux') return null
    const session = await this.#browser.browser().newBrowserCDPSession()
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    await session.detach()
    const tabs = processInfo.filter(({ type }) => type === 'renderer')
    const sizes = tabs.map(async ({ id }) => {
      const told = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss:\s+(\d+) kB/m.exec(told)?.[1] ?? 0) * 1024
    })
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  }

  /** Close what a measure that failed has left open; one tab keeps the browser alive. */
  async closeTabs() {
    const [first, ...others] = this.#browser.pages()
    await first?.goto('about:blank')
    for (const page of others) await page.close()
  }

  /** Let *work* visit the same pages with a browser that has never seen them. */
  firstVisit(work) {
    return inBrowser((browser) => work(new Site(this.#server, this.#path, browser)))
  }
}

/** The demo's lab, after a visit that did some work and left a snapshot behind. */
export async function ours(browser) {
  const server = counted(
    await serveStatic({ folder: at('dist', 'demo'), port: 4373, also: ['lab'] }),
    4373,
  )
  const site = new Site(server, '/lab/', browser)
  const page = await site.open()
  await page.waitForFunction(() => window.bench.snapshot !== null, undefined, {
    timeout: SNAPSHOT_PATIENCE,
  })
  const { state, error } = await page.evaluate(() => window.bench.snapshot)
  if (state !== 'made') throw new Error(`no snapshot was made: ${error.message}`)
  // What made it works on for a while, for the browser's compiler.
  await page.waitForTimeout(REST)
  await page.close()
  await use(site, 2_000)
  return { site, close: server.close }
}

/** `@coji/durably` on `sqlocal`. */
export async function peer(browser) {
  const cwd = at('bench', 'peer')
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  const { status } = spawnSync('npm', args, {
    cwd,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('npm ci in bench/peer failed; --no-peer does without it')
  await build({ configFile: join(cwd, 'vite.config.mjs'), logLevel: 'error' })
  const server = await serve('bench/peer/vite.config.mjs', 4374)
  const site = new Site(server, '/', browser)
  await use(site, 100)
  return { site, close: server.close }
}

/**
 * Work in a tab for a while. What is measured later is the daily use: a browser keeps the WebAssembly that it has
 * optimized, once a page has rested from its work for some seconds.
 */
async function use(site, count) {
  const page = await site.open()
  await page.evaluate(async (count) => {
    const items = Array.from({ length: count }, () => ({ input: { count: 1 } }))
    const runs = await window.lab.batchTrigger('steps', items)
    await window.lab.waitForRun(runs.at(-1).runId)
    await window.lab.triggerAndWait('steps', { count })
  }, count)
  await page.waitForTimeout(REST)
  await page.close()
}

async function serve(config, port) {
  const { httpServer } = await preview({
    configFile: at(config),
    preview: { port },
    logLevel: 'silent',
  })
  return counted(httpServer, port)
}

/** A server that counts what it sends. */
function counted(server, port) {
  const sockets = new Set()
  server.on('connection', (socket) => sockets.add(socket))
  return {
    origin: `http://localhost:${port}`,
    sent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Let *work* use a browser with a profile that is new and goes with it. */
export async function inBrowser(work) {
  const profile = await mkdtemp(join(tmpdir(), 'durably-bench-'))
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: ['--no-sandbox'],
  })
  try {
    await browser.addInitScript(watchWorkers)
    return await work(browser)
  } finally {
    await browser.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Runs in each page before its own scripts: note what its worker says of its boot. */
function watchWorkers() {
  window.bench = { boot: null, snapshot: null }
  window.Worker = class extends Worker {
    constructor(...args) {
      const began = performance.now()
      super(...args)
      this.addEventListener('message', ({ data }) => {
        if (data?.kind === 'ready') {
          window.bench.boot = { ms: performance.now() - began, from: data.info.bootedFrom }
        } else if (data?.kind === 'snapshot') window.bench.snapshot = data.notice
      })
    }
  }
}
