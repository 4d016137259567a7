/**
 * Compile Python's packages ahead, by the very Python that runs them: on a first visit that would take a browser
 * half a second. The sources stay beside them, for tracebacks.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { loadPyodide } from 'pyodide'
import { at } from './paths.mjs'
import { sha256 } from './zip.mjs'

const SITE = '/lib/python3.14/site-packages'

/** Unchecked: nobody writes the sources anew where this is unpacked. */
const COMPILE = `
import compileall, importlib, io, os, py_compile, sys, zipfile

compileall.compile_dir(
    "${SITE}", quiet=2, force=True,
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
# Only what a boot imports: all of pydantic is three times as much.
importlib.import_module("durably.browser.entry")
importlib.import_module("pydantic").TypeAdapter(list[int]).json_schema()
files = (getattr(module, "__cached__", None) for module in tuple(sys.modules.values()))
paths = sorted(file for file in files if file and file.startswith("${SITE}"))
packed = io.BytesIO()
with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in paths:
        entry = zipfile.ZipInfo(os.path.relpath(path, "${SITE}"), (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as file:
            archive.writestr(entry, file.read())
with open("/compiled.zip", "wb") as file:
    file.write(packed.getvalue())
`

/** Return a zip of the compiled modules of *archives*; one that was made of the same before is kept. */
export async function compiled(archives) {
  const id = sha256([COMPILE, ...archives.map(({ bytes }) => sha256(bytes))].join('\n'))
  const kept = at('.cache', 'compiled', `${id.slice(0, 16)}.zip`)
  if (existsSync(kept)) return new Uint8Array(readFileSync(kept))
  // Sets are written in the order of their hashes.
  const python = await loadPyodide({ env: { HOME: '/home', PYTHONHASHSEED: '0' } })
  for (const { bytes, format } of archives) {
    python.unpackArchive(bytes, format, { extractDir: SITE })
  }
  python.runPython(COMPILE)
  const made = python.FS.readFile('/compiled.zip')
  mkdirSync(dirname(kept), { recursive: true })
  writeFileSync(kept, made)
  return made
}
