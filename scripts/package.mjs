/**
 * Build the npm package into dist/package, and let the repository find it as any app does: by its name, in
 * node_modules. Same input, same bytes.
 */

import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'vite'
import { compiled } from './compile.mjs'
import { at, npmPackage, wheels, wheelsLock } from './paths.mjs'
import { start } from './spawn.mjs'
import { sha256, zipFolder } from './zip.mjs'

const BROWSER_ENTRIES = {
  index: 'web/index.ts',
  react: 'web/react/index.ts',
  inspector: 'web/inspector/index.ts',
  app: 'web/app/index.ts',
}
const NODE_ENTRIES = {
  vite: 'web/vite/index.ts',
  cli: 'web/node/cli/main.ts',
  'python-thread': 'web/node/python/thread.ts',
}

/** Parts of the Python package that only a server has, and those that only Node asks for. */
const SERVER_ONLY = ['durably/http/', 'durably/store/postgres', 'durably/testing.py']
const TOOLS = ['durably/describe.py', 'durably/resolve.py']

/** What the package is made of: while none of it changes, it is not built again. */
const SOURCES = [
  ...[
    'web/core',
    'web/react',
    'web/inspector',
    'web/app',
    'web/spa',
    'web/opfs',
    'web/offline',
    'web/sw',
    'web/node',
    'web/vite',
    'py/durably',
  ],
  ...['web/index.ts', 'worker.js', 'package.json', 'tsconfig.package.json', 'tsconfig.base.json'],
  ...['scripts/package.mjs', 'scripts/compile.mjs', 'scripts/zip.mjs', 'scripts/wheels.lock.json'],
  ...['README.md', 'CHANGELOG.md', 'docs/llms.md'],
]
const STAMP = join(npmPackage, '.built-from')

/** Build unless that was done with the same sources; says whether it was built. */
async function buildPackage() {
  const id = hashOf(SOURCES)
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === id) {
    link()
    return false
  }
  rmSync(npmPackage, { recursive: true, force: true })
  await Promise.all([browserFiles(), standaloneFiles(), nodeFiles(), declarations()])
  await pythonFiles()
  describePackage()
  link()
  writeFileSync(STAMP, id)
  return true
}

function hashOf(paths) {
  const files = paths.flatMap((path) => {
    if (!lstatSync(at(path)).isDirectory()) return [path]
    return readdirSync(at(path), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.pyc'))
      .map((entry) => relative(at('.'), join(entry.parentPath, entry.name)))
  })
  return sha256(
    files
      .sort()
      .map((path) => `${sha256(readFileSync(at(path)))}  ${path}\n`)
      .join(''),
  )
}

/** This repository's own package.json. */
const own = JSON.parse(readFileSync(at('package.json'), 'utf8'))

const shared = { configFile: false, logLevel: 'warn', root: at('.') }

const common = { outDir: npmPackage, emptyOutDir: false, minify: false, copyPublicDir: false }

const places = (entries) =>
  Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, at(file)]))

const lib = (entries, rolldownOptions) => ({
  ...common,
  target: 'es2023',
  lib: { entry: places(entries), formats: ['es'], fileName: (_format, name) => `${name}.js` },
  rolldownOptions,
})

async function browserFiles() {
  await build({
    ...shared,
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      ...lib(BROWSER_ENTRIES, {
        external: [/^react(-dom)?(\/|$)/],
        output: { chunkFileNames: 'shared-[hash].js' },
      }),
      cssMinify: true,
      // The inspector's styles are not written for less: `light-dark()` is the newest thing in them.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    },
  })
}

/** Files that need no bundler: each is served as it is. */
async function standaloneFiles() {
  for (const entry of [
    { worker: 'worker.js' },
    { client: 'web/index.ts' },
    { sw: 'web/sw/index.ts' },
  ]) {
    await build({
      ...shared,
      // Workbox explains itself at length otherwise.
      define: { 'process.env.NODE_ENV': '"production"' },
      build: { ...lib(entry, {}), minify: true },
    })
  }
}

async function nodeFiles() {
  await build({
    ...shared,
    plugins: [withoutPrettier],
    build: {
      ...common,
      target: 'node20',
      ssr: true,
      rolldownOptions: {
        input: places(NODE_ENTRIES),
        external: [...builtinModules, /^node:/, 'vite', 'pyodide'],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'node-[hash].js',
          banner: ({ name }) => (name === 'cli' ? '#!/usr/bin/env node' : ''),
        },
        onwarn: () => {},
      },
    },
    ssr: { noExternal: true, external: ['vite', 'pyodide'], target: 'node' },
  })
}

/** json-schema-to-typescript brings a formatter of 25 MB, which is never called here. */
const withoutPrettier = {
  name: 'without-prettier',
  enforce: 'pre',
  resolveId: (id) => (/^prettier(\/|$)/.test(id) ? '\0prettier' : null),
  load: (id) =>
    id === '\0prettier' ? 'export const format = (text) => text; export default { format }' : null,
}

async function declarations() {
  const tsc = at('node_modules', 'typescript', 'bin', 'tsc')
  const { ok, output } = await start(process.execPath, [tsc, '--project', 'tsconfig.package.json'])
  if (!ok) throw new Error(`no declarations could be made:\n${output}`)
  const types = join(npmPackage, 'types')
  for (const name of readdirSync(types, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const file = join(types, name)
    writeFileSync(file, withEndings(readFileSync(file, 'utf8'), dirname(file)))
  }
}

/** The sources import without an ending, which Node's own resolution does not take. */
function withEndings(text, folder) {
  return text.replace(/(from |import\()(['"])(\.[^'"]*)\2/g, (_, before, quote, path) => {
    const ending = existsSync(join(folder, `${path}.d.ts`)) ? '.js' : '/index.js'
    return `${before}${quote}${path}${ending}${quote}`
  })
}

async function pythonFiles() {
  const folder = join(npmPackage, 'python')
  mkdirSync(join(folder, 'wheels'), { recursive: true })
  const { runtime, resolver } = JSON.parse(readFileSync(wheelsLock, 'utf8'))
  for (const { file } of [...runtime, ...resolver]) {
    copyFileSync(join(wheels, file), join(folder, 'wheels', file))
  }
  const isTool = (path) => TOOLS.includes(path)
  const isServers = (path) => SERVER_ONLY.some((prefix) => path.startsWith(prefix))
  const sources = { folder: at('py', 'durably'), below: 'durably' }
  const engine = zipFolder(sources, (path) => !isTool(path) && !isServers(path))
  const tools = zipFolder(sources, isTool)
  const ahead = await compiled([
    ...runtime.map(({ file }) => ({
      bytes: new Uint8Array(readFileSync(join(wheels, file))),
      format: 'wheel',
    })),
    { bytes: engine, format: 'zip' },
  ])
  const contents = {
    version: own.version,
    wheels: runtime.map(pinOf),
    engine: `engine-${sha256(engine).slice(0, 12)}.zip`,
    compiled: `compiled-${sha256(ahead.packages).slice(0, 12)}.zip`,
    stdlib: `stdlib-${sha256(ahead.stdlib).slice(0, 12)}.zip`,
    tools: `tools-${sha256(tools).slice(0, 12)}.zip`,
    resolver: resolver.map(pinOf),
  }
  writeFileSync(join(folder, contents.engine), engine)
  writeFileSync(join(folder, contents.compiled), ahead.packages)
  writeFileSync(join(folder, contents.stdlib), ahead.stdlib)
  writeFileSync(join(folder, contents.tools), tools)
  writeFileSync(join(folder, 'contents.json'), `${JSON.stringify(contents, null, 2)}\n`)
}

function pinOf({ requirement, file, sha256 }) {
  const [name, version] = requirement.split('==')
  return { name, version, file, sha256 }
}

const entry = (name, types) => ({ types: `./types/${types}.d.ts`, default: `./${name}.js` })

/** What only the published package says of itself. */
const PUBLISHED = {
  exports: {
    '.': entry('index', 'index'),
    './react': entry('react', 'react/index'),
    './inspector': entry('inspector', 'inspector/index'),
    './app': entry('app', 'app/index'),
    './vite': entry('vite', 'vite/index'),
    './worker.js': './worker.js',
    './client.js': { types: './types/index.d.ts', default: './client.js' },
    './package.json': './package.json',
  },
  bin: { 'durably-py': './cli.js' },
  peerDependencies: { react: '>=19', 'react-dom': '>=19', vite: '^7 || ^8' },
  peerDependenciesMeta: {
    react: { optional: true },
    'react-dom': { optional: true },
    vite: { optional: true },
  },
}

/** What npm publishes of package.json: nothing that only this repository runs. */
function describePackage() {
  const { scripts: _, devDependencies, private: __, ...known } = own
  const dependencies = { pyodide: devDependencies.pyodide }
  const described = { ...known, ...PUBLISHED, dependencies }
  writeFileSync(join(npmPackage, 'package.json'), `${JSON.stringify(described, null, 2)}\n`)
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) {
    copyFileSync(at(file), join(npmPackage, file))
  }
  copyFileSync(at('docs', 'llms.md'), join(npmPackage, 'llms.md'))
  writeFileSync(join(npmPackage, 'THIRD-PARTY.md'), thirdParty())
}

/** The packages whose code is copied into ours, with what they need. */
const BUNDLED = [
  '@jridgewell/gen-mapping',
  '@noble/hashes',
  '@tanstack/react-virtual',
  'fflate',
  'json-schema-to-typescript',
  'mrmime',
  'ulid',
  'workbox-precaching',
  'workbox-routing',
]

/** The licences of what is copied into the package. */
function thirdParty() {
  const tree = JSON.parse(readFileSync(at('node_modules', '.package-lock.json'), 'utf8')).packages
  const bundled = new Set()
  for (const name of BUNDLED) addWithDependencies(`node_modules/${name}`, tree, bundled)
  const parts = [...bundled].sort().map((path) => {
    const name = path.slice('node_modules/'.length)
    const folder = at(...path.split('/'))
    const file = readdirSync(folder).find((one) => /^licen[cs]e(\.\w+)?$/i.test(one))
    const text = file
      ? readFileSync(join(folder, file), 'utf8').trim()
      : `License: ${tree[path].license}`
    return `## ${name} ${tree[path].version}\n\n${text}\n`
  })
  return [
    '# Third-party notices\n',
    'This package contains code of the packages below. Python wheels under `python/wheels` carry their own',
    'licences inside. Pyodide, which is copied into what you build, is under the Mozilla Public License 2.0;',
    'Python and its standard library, in `python/stdlib-*.zip` partly as bytecode, under the PSF License 2.\n',
    ...parts,
  ].join('\n')
}

function addWithDependencies(path, tree, found) {
  if (found.has(path) || !tree[path]) return
  found.add(path)
  for (const name of Object.keys(tree[path].dependencies ?? {})) {
    if (name === 'prettier' || name.startsWith('@types/')) continue
    addWithDependencies(`node_modules/${name}`, tree, found)
  }
}

/** `node_modules/durably-py`, so that the demo and the tests import what users would. */
function link() {
  const place = at('node_modules', 'durably-py')
  if (existsSync(join(place, 'package.json')) && lstatSync(place).isSymbolicLink()) return
  if (lstatSync(place, { throwIfNoEntry: false })) rmSync(place, { recursive: true, force: true })
  const target = process.platform === 'win32' ? npmPackage : relative(dirname(place), npmPackage)
  symlinkSync(target, place, process.platform === 'win32' ? 'junction' : 'dir')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log((await buildPackage()) ? 'package: built dist/package' : 'package: up to date')
}
