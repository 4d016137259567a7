/**
 * Compile ahead what Python imports when it boots, by the very Python that runs it: on a first visit that would take
 * a browser two seconds and more. Pyodide brings the standard library as sources only.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadPyodide } from 'pyodide'
import { at } from './paths.mjs'
import { sha256 } from './zip.mjs'

const SITE = '/lib/python3.14/site-packages'
const STDLIB = '/lib/python314.zip'
const MADE = ['packages', 'stdlib']

/**
 * The packages' bytecode lies beside their sources, for tracebacks. In the standard library it takes the place of the
 * sources: with both, or with all of it compiled, it would be up to two megabytes more to fetch. Nothing is checked
 * against a source when it is imported: nobody writes them anew where this is unpacked.
 */
const COMPILE = `
import compileall, importlib, importlib.util, io, os, py_compile, sys, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

compileall.compile_dir(
    "${SITE}", quiet=2, force=True,
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
# Only what a boot imports: all of pydantic is three times as much.
importlib.import_module("durably.browser.entry")
importlib.import_module("pydantic").TypeAdapter(list[int]).json_schema()
imported = [module for module in tuple(sys.modules.values()) if module]

def pack(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)

def packages():
    files = (getattr(module, "__cached__", None) for module in imported)
    for path in sorted(file for file in files if file and file.startswith("${SITE}")):
        with open(path, "rb") as file:
            yield os.path.relpath(path, "${SITE}"), file.read()

def stdlib():
    files = {getattr(module, "__file__", None) for module in imported}
    with zipfile.ZipFile("${STDLIB}") as sources:
        for entry in sources.infolist():
            path, data = f"${STDLIB}/{entry.filename}", sources.read(entry)
            if path in files:
                code = compile(data, path, "exec", dont_inherit=True)
                yield f"{entry.filename}c", _code_to_hash_pyc(code, importlib.util.source_hash(data), False)
            else:
                yield entry.filename, data

pack("/packages.zip", packages())
pack("/stdlib.zip", stdlib())
`

/**
 * Return zips, by name: `packages`, the compiled modules of *archives*, and `stdlib`, Python's standard library.
 * What was made of the same before is kept.
 */
export async function compiled(archives) {
  const { version } = JSON.parse(
    readFileSync(at('node_modules', 'pyodide', 'package.json'), 'utf8'),
  )
  const id = sha256([COMPILE, version, ...archives.map(({ bytes }) => sha256(bytes))].join('\n'))
  const folder = at('.cache', 'compiled', id.slice(0, 16))
  if (!existsSync(folder)) await compile(archives, folder)
  return Object.fromEntries(
    MADE.map((name) => [name, new Uint8Array(readFileSync(join(folder, `${name}.zip`)))]),
  )
}

async function compile(archives, folder) {
  // Sets are written in the order of their hashes.
  const python = await loadPyodide({ env: { HOME: '/home', PYTHONHASHSEED: '0' } })
  for (const { bytes, format } of archives) {
    python.unpackArchive(bytes, format, { extractDir: SITE })
  }
  python.runPython(COMPILE)
  const half = `${folder}.new`
  mkdirSync(half, { recursive: true })
  for (const name of MADE)
    writeFileSync(join(half, `${name}.zip`), python.FS.readFile(`/${name}.zip`))
  renameSync(half, folder)
}
