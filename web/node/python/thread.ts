/** The thread that runs Python: boots Pyodide once, then answers calls. Its own file when built. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { loadPyodide, type PyodideInterface } from 'pyodide'
import { findPyodide, ownFile, readContents, readOwn } from '../own-files'
import { ownWheels } from '../parts'
import {
  type Answer,
  type ArchiveBytes,
  type Description,
  JOBS,
  type Operations,
  type Request,
} from './protocol'

const port = parentPort
if (port === null) throw new Error('this file is the body of a thread')

const tell = (answer: Answer): void => port.postMessage(answer)
const say = (printed: string): void => tell({ printed })

let booted: Promise<PyodideInterface> | null = null
let sitePackages = ''

/** With the lock of Pyodide's distribution emptied, its packages hide none of an index. */
async function boot(): Promise<PyodideInterface> {
  const { folder } = findPyodide()
  const { engine, compiled, stdlib, tools } = readContents()
  const lock = JSON.parse(readFileSync(join(folder, 'pyodide-lock.json'), 'utf8'))
  const python = await loadPyodide({
    indexURL: folder,
    stdLibURL: ownFile('python', stdlib),
    lockFileContents: JSON.stringify({ ...lock, packages: {} }),
    stdout: say,
    stderr: say,
    fsInit: async (_FS: unknown, info: { readonly sitePackages: string }) => {
      sitePackages = info.sitePackages
    },
  })
  for (const { bytes } of ownWheels()) unpack(python, { format: 'wheel', bytes })
  for (const file of [engine, compiled, tools]) {
    unpack(python, { format: 'zip', bytes: readOwn('python', file) })
  }
  return python
}

function unpack(python: PyodideInterface, { format, bytes }: ArchiveBytes): void {
  python.unpackArchive(bytes, format, { extractDir: sitePackages })
}

type Work = {
  [Op in keyof Operations]: (
    python: PyodideInterface,
    params: Operations[Op]['params'],
  ) => Promise<Operations[Op]['result']>
}

const work: Work = {
  async unpack(python, { archives }) {
    for (const archive of archives) unpack(python, archive)
    return null
  },

  async describe(python, { files }) {
    const { FS } = python
    python.runPython(`import shutil; shutil.rmtree("${JOBS}", ignore_errors=True)`)
    FS.mkdirTree(JOBS)
    for (const { path, bytes } of files) {
      const folder = path.split('/').slice(0, -1).join('/')
      if (folder !== '') FS.mkdirTree(`${JOBS}/${folder}`)
      FS.writeFile(`${JOBS}/${path}`, bytes)
    }
    const module = python.pyimport('durably.describe')
    try {
      const described: Description = JSON.parse(module.describe(JOBS))
      return described
    } finally {
      module.destroy()
    }
  },

  async resolve(python, params) {
    for (const pin of readContents().resolver) {
      unpack(python, { format: 'wheel', bytes: readOwn('python', 'wheels', pin.file) })
    }
    const module = python.pyimport('durably.resolve')
    try {
      return JSON.parse(await module.resolve(JSON.stringify(params)))
    } finally {
      module.destroy()
    }
  },
}

async function answer({ id, op, params }: Request): Promise<void> {
  try {
    booted ??= boot()
    tell({ id, result: await work[op](await booted, params as never) })
  } catch (error) {
    tell({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

// One after another: Python's modules are shared.
let turn: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => {
  turn = turn.then(() => answer(request))
})
