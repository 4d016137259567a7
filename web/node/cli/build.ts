/** `durably-py build` and `dev`: a folder that any server can serve, and any page can start from. */

import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { render, runtimeCode } from '../declarations/render'
import { isOfJobs, type Part, part } from '../files'
import { readOwn } from '../own-files'
import type { Project } from '../project'
import { read, told } from './options'

/** Names that stay, for pages that no bundler rewrites: a server must not let them be cached unseen. */
const MANIFEST = 'manifest.json'
const WORKER = 'worker.js'
const CLIENT = 'durably-py.js'

/** Says which files of a folder are ours: others in it are left alone. */
const RECORD = 'durably-py.json'

export async function build(
  args: string[],
  { watch: isWatching }: { watch: boolean },
): Promise<number> {
  const { values, project } = read(args)
  const { out, refs } = values
  if (out === undefined) throw new Error('say with --out where the folder is to be written')
  const once = async () => {
    await project.read()
    await project.writeDeclarations()
    const written = write(resolve(out), await filesOf(project))
    const sources = refs === undefined ? 0 : write(resolve(refs), await sourcesOf(project))
    process.stdout.write(
      `durably-py: ${written} files written to ${out}${sources ? `, ${sources} to ${refs}` : ''}\n`,
    )
  }
  try {
    await once()
    if (isWatching) await untilStopped(project.options.jobs, once)
    return 0
  } finally {
    await project.close()
  }
}

async function filesOf(project: Project): Promise<Part[]> {
  const { files, manifest, worker } = project.parts()
  const parts = files.filter((file) => file !== manifest && file !== worker)
  const jobs: Part[] = []
  for (const module of project.modules) {
    const path = `jobs/${module.file.replace(/\.py$/, '')}`
    jobs.push(textPart(`${path}.js`, runtimeCode(module)))
    jobs.push(textPart(`${path}.d.ts`, (await render(module, 'declaration')).text))
  }
  return [
    ...parts,
    ...jobs,
    part(WORKER, worker.bytes),
    part(CLIENT, readOwn('client.js')),
    // Last: whoever sees it finds all that it names.
    part(MANIFEST, manifest.bytes),
  ]
}

async function sourcesOf(project: Project): Promise<Part[]> {
  const files: Part[] = []
  for (const module of project.modules) {
    const { text } = await render(module, 'source')
    files.push(textPart(`${module.file.replace(/\.py$/, '')}.ts`, text))
  }
  return files
}

const textPart = (path: string, text: string): Part => part(path, new TextEncoder().encode(text))

/** Write what is not there yet, then remove what an earlier build wrote and this one does not. */
function write(folder: string, files: readonly Part[]): number {
  let count = 0
  mkdirSync(folder, { recursive: true })
  for (const { path, bytes } of files) {
    const file = join(folder, path)
    if (isSame(file, bytes)) continue
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
    count += 1
  }
  const names = files.map(({ path }) => path).sort()
  for (const old of recorded(folder)) {
    if (!names.includes(old)) rmSync(join(folder, old), { force: true })
  }
  writeFileSync(join(folder, RECORD), `${JSON.stringify({ files: names }, null, 2)}\n`)
  return count
}

function isSame(file: string, bytes: Uint8Array): boolean {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats?.size === bytes.length && Buffer.compare(readFileSync(file), bytes) === 0
}

function recorded(folder: string): readonly string[] {
  const file = join(folder, RECORD)
  if (!existsSync(file)) return []
  const { files }: { files: readonly string[] } = JSON.parse(readFileSync(file, 'utf8'))
  return files.filter((path) => !relative(folder, join(folder, path)).startsWith('..'))
}

/** Build again after each change, until the process is told to end. */
async function untilStopped(jobs: string, again: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let turn: Promise<void> = Promise.resolve()
  const watcher = watch(jobs, { recursive: true }, (_event, name) => {
    if (name === null || !isOfJobs(name.replaceAll('\\', '/'))) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      turn = turn.then(again).catch((error) => {
        process.stderr.write(`durably-py: ${told(error)}\n`)
      })
    }, 50)
  })
  process.stdout.write(`durably-py: watching ${jobs}\n`)
  await new Promise<void>((stop) => {
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
  })
  watcher.close()
  await turn
}
