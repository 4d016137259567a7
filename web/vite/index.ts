/** The Vite plugin: an app imports its Python jobs, and finds them typed, served and built. */

import { readFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Plugin, ResolvedConfig, ViteDevServer } from 'vite'
import { type CspDirectives, policiesOf } from '../node/csp'
import { runtimeCode } from '../node/declarations/render'
import { isOfJobs } from '../node/files'
import { type HeaderRule, headerRules, netlifyHeaders } from '../node/headers'
import { ownFile } from '../node/own-files'
import { LOCK_FILE } from '../node/packages/lock'
import { JobsError, Project } from '../node/project'
import { appModule } from './app-module'
import { isolate, sendHeaders, serveParts } from './middleware'
import { SERVICE_WORKER, serviceWorker } from './service-worker'

export interface DurablyPyOptions {
  /** Folder of the Python modules that hold jobs, relative to the app's root. Default: `src/jobs`. */
  readonly jobs?: string
  /** Python packages that the jobs import, as pip reads them: `['pypdf==6.1.0']`. */
  readonly packages?: readonly string[]
  /** Where the packages are pinned; relative to the root. Default: `durably.lock.json`. */
  readonly lockFile?: string
  /** Addresses of package indexes. Default: what pip or uv would ask, else PyPI. */
  readonly indexes?: readonly string[]
  /** The folder of Pyodide's own packages, an address. Default: that of Pyodide's distribution. */
  readonly distributionUrl?: string
  /** Name of the store of a `DurablyProvider` without a client. Default: the name in `package.json`. */
  readonly store?: string
  /** Whether a declaration is written beside each module. Default: true. */
  readonly types?: boolean
  /** Whether the dev server and the preview send the headers that isolate a page. Default: true. */
  readonly isolate?: boolean
  /**
   * Keep the whole app in the browser, so that it works without a network; `useUpdate()` tells of new versions.
   * `isolate` also adds the headers that isolate a page, for hosts that can send none. Default: false.
   */
  readonly offline?: boolean | { readonly isolate?: boolean }
  /** Write `_headers`, as Netlify and Cloudflare Pages read it, into the build. Default: false. */
  readonly headers?: 'netlify' | false
  /**
   * Forbid everything remote and inline by a Content-Security-Policy: in each page that is built, in the preview, and in
   * `_headers`. Directives that are given take the place of ours. Default: false.
   */
  readonly csp?: boolean | CspDirectives
}

export type { CspDirectives }

const PYTHON = /\.py$/

/** Make `import { monthlyReport } from './jobs/reports.py'` work, typed, in dev and in the build. */
export function durablyPy(options: DurablyPyOptions = {}): Plugin {
  return new DurablyPy(options).plugin()
}

class DurablyPy {
  readonly #options: DurablyPyOptions
  #app: { readonly config: ResolvedConfig; readonly project: Project } | null = null
  #server: ViteDevServer | null = null
  /** The last look at the folder; rejects with what is wrong in it. */
  #reading: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null

  constructor(options: DurablyPyOptions) {
    this.#options = options
  }

  plugin(): Plugin {
    const owner = this
    return {
      name: 'durably-py',
      enforce: 'pre',

      config: () => ({
        // Bundled ahead, its client could not be told where the parts lie.
        optimizeDeps: { exclude: ['durably-py'] },
        resolve: { dedupe: ['react', 'react-dom'] },
      }),

      configResolved: (config) => owner.#begin(config),

      configureServer: (server) => owner.#serve(server),

      configurePreviewServer: (server) => {
        const rules = owner.#headerRules([])
        const isIsolated = owner.#options.isolate !== false
        server.middlewares.use(sendHeaders(isIsolated ? rules : rules.slice(1)))
      },

      transformIndexHtml() {
        if (owner.#server !== null || !owner.#csp) return
        const attrs = { 'http-equiv': 'Content-Security-Policy', content: owner.#csp.page }
        return [{ tag: 'meta', attrs, injectTo: 'head-prepend' }]
      },

      async buildStart() {
        // A dev server looks when it starts, and shows what is wrong on the page.
        if (owner.#server !== null) return
        await owner.#look().catch((error) => this.error(owner.#told(error)))
      },

      // A module of Python is no module of the page's: the page is loaded anew, see #reload.
      hotUpdate: ({ file }) => (inside(owner.#jobs, file) === null ? undefined : []),

      async load(fullId) {
        // In dev a dependency's id ends in its version.
        const id = fullId.replace(/\?(v|t)=[^&]*$/, '')
        if (id === normal(ownFile('app.js'))) {
          if (owner.#server !== null) return owner.#devApp()
          if (this.environment.name !== 'client') return null
          return owner.#emit((file) => this.emitFile({ type: 'asset', ...file }))
        }
        if (!PYTHON.test(id)) return null
        try {
          await owner.#look()
        } catch (error) {
          this.error(owner.#told(error))
        }
        return owner.#references(id, (message) => this.error(message))
      },

      async closeBundle() {
        await owner.#app?.project.close()
      },

      generateBundle: {
        order: 'post',
        handler(_options, bundle) {
          if (this.environment.name !== 'client') return
          if (owner.#options.offline) {
            const source = serviceWorker(owner.#resolved, bundle, owner.#isolatesOffline)
            this.emitFile({ type: 'asset', fileName: SERVICE_WORKER, source })
          }
          if (owner.#options.headers !== 'netlify') return
          const files = [
            ...Object.keys(bundle),
            ...(owner.#options.offline ? [SERVICE_WORKER] : []),
          ]
          const source = netlifyHeaders(owner.#headerRules(files))
          this.emitFile({ type: 'asset', fileName: '_headers', source })
        },
      },
    }
  }

  get #csp() {
    const { csp } = this.#options
    return csp ? policiesOf(csp === true ? {} : csp) : null
  }

  /** Those of a build that made *files*. */
  #headerRules(files: readonly string[]): HeaderRule[] {
    const { base, build } = this.#resolved
    const { assetsDir } = build
    const named = files.filter(
      (file) => !file.startsWith(`${assetsDir}/`) && !file.endsWith('.map'),
    )
    // A host answers for a folder with the page in it.
    const pages = named.filter((file) => /(^|\/)index\.html$/.test(file))
    const fresh = [...named, ...pages.map((page) => page.replace(/index\.html$/, ''))].sort()
    const path = new URL(base, 'http://localhost').pathname
    return headerRules({ base: path, assetsDir, fresh, csp: this.#csp })
  }

  get #found() {
    if (this.#app === null) throw new Error('Vite has not resolved its configuration yet')
    return this.#app
  }

  get #resolved(): ResolvedConfig {
    return this.#found.config
  }

  get #project(): Project {
    return this.#found.project
  }

  /** Folder of the jobs: absolute. */
  get #jobs(): string {
    return this.#project.options.jobs
  }

  #begin(config: ResolvedConfig): void {
    const { jobs = 'src/jobs', packages = [], lockFile = LOCK_FILE } = this.#options
    const { indexes, distributionUrl } = this.#options
    const project = new Project({
      jobs: resolve(config.root, jobs),
      packages,
      lockFile: resolve(config.root, lockFile),
      indexes,
      distributionUrl,
      cache: join(config.cacheDir, '..', '.durably-py'),
      say: (line) => config.logger.info(`[durably-py] ${line}`, { timestamp: true }),
    })
    this.#app = { config, project }
  }

  /** Read the folder, unless that was done since it last changed. */
  #look(): Promise<void> {
    this.#reading ??= this.#read()
    return this.#reading
  }

  async #read(): Promise<void> {
    await this.#project.read()
    if (this.#options.types !== false) await this.#project.writeDeclarations()
  }

  #serve(server: ViteDevServer): void {
    this.#server = server
    const { base } = this.#resolved
    if (this.#options.isolate !== false) server.middlewares.use(isolate)
    server.middlewares.use(
      serveParts(`${base}@durably/`, async () => {
        await this.#look()
        return this.#project.parts()
      }),
    )
    // Python is there before it is asked: a module that changes is then read in milliseconds.
    this.#look()
      .then(() => this.#project.warm())
      .catch(() => undefined)
    server.watcher.add(this.#jobs)
    server.watcher.on('all', (_event, file) => {
      const path = inside(this.#jobs, file)
      if (path !== null && isOfJobs(path)) this.#changed(server)
    })
    server.httpServer?.once('close', () => void this.#project.close())
  }

  /** An editor may write several files at once. */
  #changed(server: ViteDevServer): void {
    this.#reading = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#reload(server), 20)
  }

  async #reload(server: ViteDevServer): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      const told = this.#told(error)
      const { message, id, loc, frame = '' } = told
      this.#resolved.logger.error(`[durably-py] ${message}\n${frame}`, { timestamp: true })
      const err = {
        message,
        stack: '',
        plugin: 'durably-py',
        frame,
        ...(id && { id }),
        ...(loc && { loc }),
      }
      server.ws.send({ type: 'error', err })
      return
    }
    for (const file of server.moduleGraph.fileToModulesMap.keys()) {
      if (PYTHON.test(file)) server.moduleGraph.onFileChange(file)
    }
    server.ws.send({ type: 'full-reload' })
  }

  #devApp(): string {
    const urlOf = (name: string) => JSON.stringify(`${this.#resolved.base}@durably/${name}`)
    return this.#module(urlOf('manifest.json'), urlOf('worker.js'), null)
  }

  #module(manifest: string, worker: string, offlineBase: string | null): string {
    const isolatesOffline = this.#isolatesOffline
    return appModule({ manifest, worker, store: this.#store(), offlineBase, isolatesOffline })
  }

  get #isolatesOffline(): boolean {
    const { offline } = this.#options
    return typeof offline === 'object' && offline.isolate === true
  }

  #store(): string {
    if (this.#options.store !== undefined) return this.#options.store
    try {
      const { name } = JSON.parse(readFileSync(join(this.#resolved.root, 'package.json'), 'utf8'))
      if (typeof name === 'string' && name !== '') return name.replaceAll(/[^A-Za-z0-9._-]/g, '-')
    } catch {
      // An app without a package.json has the name of its folder.
    }
    return basename(this.#resolved.root)
  }

  #emit(emit: (file: { fileName: string; source: Uint8Array }) => string): string {
    const { files, manifest, worker } = this.#project.parts()
    const folder = `${this.#resolved.build.assetsDir}/durably/`
    const refs = new Map(
      files.map((file) => [file, emit({ fileName: folder + file.path, source: file.bytes })]),
    )
    const urlOf = (file: typeof manifest) => `import.meta.ROLLUP_FILE_URL_${refs.get(file)}`
    const offlineBase = this.#options.offline ? this.#resolved.base : null
    return this.#module(urlOf(manifest), urlOf(worker), offlineBase)
  }

  #references(id: string, fail: (message: string) => never): string {
    const path = inside(this.#jobs, id)
    if (path === null) {
      return fail(`${id} is outside of ${this.#jobs}, the folder of Python jobs (option "jobs")`)
    }
    const module = this.#project.modules.find(({ file }) => file === path)
    if (module) return runtimeCode(module)
    return fail(`${path} has no jobs and no queries: only those can be imported from Python`)
  }

  /** An error as Vite shows it: with its place, and the lines of Python that led there. */
  #told(error: unknown): PlacedError {
    if (!(error instanceof JobsError))
      return error instanceof Error ? error : new Error(String(error))
    const { failure, file, message } = error
    const told: PlacedError = new Error(message)
    told.id = file
    told.loc = { file, line: failure.line, column: 0 }
    told.frame = failure.traceback
    told.stack = ''
    return told
  }
}

interface PlacedError extends Error {
  id?: string
  loc?: { file: string; line: number; column: number }
  frame?: string
}

const normal = (path: string): string => path.replaceAll('\\', '/')

/** The path of *file* below *folder*, with forward slashes; null when it is elsewhere. */
function inside(folder: string, file: string): string | null {
  const root = `${normal(folder)}/`
  const path = normal(file)
  return path.startsWith(root) ? path.slice(root.length) : null
}
