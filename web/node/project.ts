/** An app's jobs, from their folder to what a browser and a compiler need of them. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { declarationMap } from './declarations/map'
import { NameProblem, nameAll } from './declarations/names'
import { render } from './declarations/render'
import { readJobs, type SourceFile, sha256 } from './files'
import { readContents } from './own-files'
import { type PackageOptions, vendored } from './packages/vendor'
import { assemble, type Parts, type Wheel } from './parts'
import { PythonHost } from './python/host'
import { type Description, type Failure, JOBS, type Module } from './python/protocol'

export interface ProjectOptions extends PackageOptions {
  /** Folder of the Python modules that hold jobs: absolute. */
  readonly jobs: string
  /** Folder for what can be made again: absolute. */
  readonly cache: string
  /** Told of what Python prints while modules are imported, and of what is fetched. */
  readonly say: (line: string) => void
}

/** A fault in an app's Python, with its place. */
export class JobsError extends Error {
  override readonly name = 'JobsError'
  readonly failure: Failure
  /** Absolute. */
  readonly file: string

  constructor(folder: string, failure: Failure) {
    super(`${failure.type}: ${failure.message}`)
    const traceback = failure.traceback.replaceAll(`"${JOBS}/`, `"${folder}/`)
    this.failure = { ...failure, traceback }
    this.file = join(folder, failure.file)
  }
}

export class Project {
  readonly options: ProjectOptions
  #python: PythonHost | null = null
  #unpacked: readonly Wheel[] = []
  #jobs: readonly SourceFile[] = []
  #modules: readonly Module[] = []
  #packages: readonly Wheel[] = []
  #parts: Parts | null = null

  constructor(options: ProjectOptions) {
    this.options = options
  }

  /** Modules that have jobs or queries, as of the last `read()`. */
  get modules(): readonly Module[] {
    return this.#modules
  }

  /** Read the folder and ask Python what is in it. Rejects with a `JobsError` for a fault in it. */
  async read(): Promise<void> {
    const { jobs: folder } = this.options
    const jobs = readJobs(folder)
    if (!jobs.some(({ path }) => path.endsWith('.py'))) {
      throw new Error(
        `there is no Python module in ${folder}: put your jobs there, or say where they are`,
      )
    }
    const packages = await vendored(this.options, (say) => new PythonHost(say))
    if (idOf(packages) !== idOf(this.#packages)) this.#packages = packages
    const description = await this.#describe(jobs)
    if (description.error) throw new JobsError(folder, description.error)
    checkNames(folder, description.modules)
    this.#jobs = jobs
    this.#modules = description.modules
    this.#parts = null
  }

  /** What a browser is sent, as of the last `read()`. */
  parts(): Parts {
    const modules = this.#modules.map(({ name }) => name)
    // A dev server is asked for each of them by itself.
    this.#parts ??= assemble(this.#jobs, modules, this.#packages)
    return this.#parts
  }

  /** The files of types, beside each module: absolute paths and their texts. */
  async declarations(): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string>()
    for (const module of this.#modules) {
      const file = join(this.options.jobs, `${module.file}.d.ts`)
      const { text, places } = await render(module, 'declaration')
      const name = `${module.file.split('/').at(-1)}.d.ts.map`
      files.set(file, `${text}//# sourceMappingURL=${name}\n`)
      files.set(`${file}.map`, `${declarationMap(module.file, places)}\n`)
    }
    return files
  }

  /** Write the declarations that are not as they should be; returns their paths. */
  async writeDeclarations(): Promise<string[]> {
    const written: string[] = []
    for (const [file, text] of await this.declarations()) {
      if (textOf(file) === text) continue
      writeFileSync(file, text)
      written.push(file)
    }
    return written
  }

  /** Paths of declarations that are missing or old. */
  async staleDeclarations(): Promise<string[]> {
    const files = [...(await this.declarations())]
    return files.filter(([file, text]) => textOf(file) !== text).map(([file]) => file)
  }

  /** Start Python, for what is asked later. */
  async warm(): Promise<void> {
    await this.#started()
  }

  async close(): Promise<void> {
    await this.#python?.close()
    this.#python = null
  }

  /** Python is asked once about the same files, also by the builds of later. */
  async #describe(jobs: readonly SourceFile[]): Promise<Description> {
    const kept = this.#keptDescription(jobs)
    const text = textOf(kept)
    if (text !== null) return JSON.parse(text)
    const description = await this.#ask(jobs)
    if (description.modules) {
      rmSync(dirname(kept), { recursive: true, force: true })
      mkdirSync(dirname(kept), { recursive: true })
      writeFileSync(kept, JSON.stringify(description))
    }
    return description
  }

  #keptDescription(jobs: readonly SourceFile[]): string {
    const { engine, tools } = readContents()
    const files = jobs.map(({ path, bytes }) => `${sha256(bytes)} ${path}`)
    const id = sha256([engine, tools, idOf(this.#packages), ...files].join('\n'))
    return join(this.options.cache, 'described', `${id}.json`)
  }

  async #started(): Promise<PythonHost> {
    if (this.#unpacked !== this.#packages) await this.close()
    if (this.#python !== null) return this.#python
    this.#unpacked = this.#packages
    this.#python = new PythonHost(this.options.say)
    const archives = this.#packages.map(({ bytes }) => ({ format: 'wheel' as const, bytes }))
    await this.#python.call('unpack', { archives })
    return this.#python
  }

  async #ask(jobs: readonly SourceFile[]): Promise<Description> {
    const python = await this.#started()
    try {
      return await python.call('describe', { files: jobs })
    } catch (error) {
      // What ended Python once must not be what is asked the next time.
      await this.close()
      throw error
    }
  }
}

/** Refuse what TypeScript has no name for before anything is written. */
function checkNames(folder: string, modules: readonly Module[]): void {
  for (const module of modules) {
    try {
      nameAll(module.exports)
    } catch (error) {
      if (!(error instanceof NameProblem)) throw error
      const { message, line } = error
      const { file } = module
      const traceback = `  File "${file}", line ${line}\n${message}`
      throw new JobsError(folder, { type: 'NameError', message, traceback, file, line })
    }
  }
}

function idOf(wheels: readonly Wheel[]): string {
  return wheels.map(({ pin }) => pin.sha256).join()
}

function textOf(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
