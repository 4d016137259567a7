/** The import rules of biome.json, tried on imports that break them and on imports that do not. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BIOME = join(process.cwd(), 'node_modules', '@biomejs', 'biome', 'bin', 'biome')

const REFUSED: readonly (readonly [from: string, what: string])[] = [
  ['web/core/a.ts', '../react/index'],
  ['web/core/b.ts', '../spa/bridge/protocol'],
  ['web/core/c.ts', '../http/index'],
  ['web/core/d.ts', 'react'],
  ['web/inspector/a.tsx', '../spa/page/index'],
  ['web/inspector/b.tsx', '../app/index'],
  ['web/react/a.tsx', '../spa/page/index'],
  ['web/react/b.tsx', '../http/index'],
  ['web/http/a.ts', '../react/index'],
  ['web/http/b.ts', '../spa/bridge/protocol'],
  ['web/opfs/a.ts', '../spa/worker/host'],
  ['web/spa/page/a.ts', '../worker/host'],
  ['web/spa/page/b.ts', '../worker/python/runtime'],
  ['web/spa/page/c.ts', '../../opfs/opfs-fs'],
  ['web/spa/page/d.ts', '../../react/index'],
  ['web/spa/page/e.ts', 'pyodide'],
  ['web/spa/worker/a.ts', '../page/session'],
  ['web/spa/worker/b.ts', '../../react/index'],
  ['web/spa/worker/python/a.ts', '../../page/session'],
  ['web/spa/bridge/a.ts', '../page/session'],
  ['web/spa/bridge/b.ts', '../worker/host'],
  ['web/spa/bridge/c.ts', '../../opfs/opfs-fs'],
  ['web/node/a.ts', '../core/index'],
  ['web/node/b.ts', 'vite'],
  ['web/sw/a.ts', '../core/index'],
  ['web/offline/a.ts', '../spa/page/index'],
  ['web/demo/a.tsx', '../core/run-store'],
  ['web/demo/b.tsx', '../spa/worker/host'],
  ['web/demo/c.tsx', '../opfs/opfs-fs'],
]

const ALLOWED: readonly (readonly [from: string, what: string])[] = [
  ['web/core/ok-a.ts', './types'],
  ['web/core/ok-b.ts', 'ulid'],
  ['web/inspector/ok-a.tsx', '../react/index'],
  ['web/react/ok-a.tsx', '../core/types'],
  ['web/react/ok-b.tsx', 'react'],
  ['web/http/ok-a.ts', '../core/transport'],
  ['web/opfs/ok-a.ts', '../core/errors'],
  ['web/spa/page/ok-a.ts', '../bridge/protocol'],
  ['web/spa/page/ok-b.ts', './worker-transport'],
  ['web/spa/worker/ok-a.ts', '../../opfs/opfs-fs'],
  ['web/spa/worker/ok-b.ts', '../bridge/protocol'],
  ['web/spa/worker/python/ok-a.ts', '../memory/kept'],
  ['web/spa/bridge/ok-a.ts', '../../core/types'],
  ['web/node/ok-a.ts', './files'],
  ['web/sw/ok-a.ts', '../offline/protocol'],
  ['web/offline/ok-a.ts', '../core/watched'],
  ['web/demo/ok-a.tsx', '../core/index'],
  ['web/demo/ok-b.tsx', '../spa/page/index'],
  ['web/demo/ok-c.tsx', './words'],
]

const CYCLE = { 'web/core/egg.ts': './hen', 'web/core/hen.ts': './egg' }

let project = ''
let complaints: readonly { rule: string; path: string }[] = []

beforeAll(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'layers-')))
  cpSync('biome.json', join(project, 'biome.json'))
  for (const [path, what] of [...REFUSED, ...ALLOWED, ...Object.entries(CYCLE)]) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(
      join(project, path),
      `import { name } from '${what}'\n\nexport const own = name\n`,
    )
  }
  const only = ['--only=style/noRestrictedImports', '--only=suspicious/noImportCycles']
  const args = [BIOME, 'lint', '--reporter=github', '--max-diagnostics=none', ...only, '.']
  const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
  // ::error title=lint/style/noRestrictedImports,file=/…/web/core/a.ts,line=1,…
  const pattern = /^::error title=lint\/\w+\/(\w+),file=([^,]+),/gm
  complaints = [...stdout.matchAll(pattern)].map(([, rule = '', file = '']) => ({
    rule,
    path: relative(project, file),
  }))
})

afterAll(() => rmSync(project, { recursive: true }))

test.each(REFUSED)('%s may not import %s', (path) => {
  expect(complaints).toContainEqual({ rule: 'noRestrictedImports', path })
})

test.each(ALLOWED)('%s may import %s', (path) => {
  expect(complaints.filter((complaint) => complaint.path === path)).toEqual([])
})

test('modules that import each other are refused', () => {
  for (const path of Object.keys(CYCLE)) {
    expect(complaints).toContainEqual({ rule: 'noImportCycles', path })
  }
})
