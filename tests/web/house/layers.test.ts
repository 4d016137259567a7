/** The import rules of biome.json, tried on imports that break them and on imports that do not. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const BIOME = join(process.cwd(), 'node_modules', '@biomejs', 'biome', 'bin', 'biome')

const REFUSED: readonly (readonly [from: string, what: string])[] = [
  ['web/core/a.ts', '../react/index'],
  ['web/core/b.ts', '../worker/protocol'],
  ['web/core/c.ts', '../http/index'],
  ['web/core/d.ts', 'react'],
  ['web/react/a.tsx', '../worker/index'],
  ['web/react/b.tsx', '../http/index'],
  ['web/http/a.ts', '../react/index'],
  ['web/http/b.ts', '../worker/protocol'],
  ['web/opfs/a.ts', '../worker/host'],
  ['web/worker/host.ts', '../react/index'],
  ['web/worker/worker-transport.ts', '../opfs/opfs-fs'],
  ['web/worker/protocol.ts', './host'],
  ['web/demo/a.tsx', '../core/run-store'],
  ['web/demo/b.tsx', '../worker/host'],
  ['web/demo/c.tsx', '../opfs/opfs-fs'],
]

const ALLOWED: readonly (readonly [from: string, what: string])[] = [
  ['web/core/ok-a.ts', './types'],
  ['web/core/ok-b.ts', 'ulid'],
  ['web/react/ok-a.tsx', '../core/types'],
  ['web/react/ok-b.tsx', 'react'],
  ['web/http/ok-a.ts', '../core/transport'],
  ['web/opfs/ok-a.ts', '../core/errors'],
  ['web/worker/ok-a.ts', '../opfs/opfs-fs'],
  ['web/worker/index.ts', './worker-transport'],
  ['web/demo/ok-a.tsx', '../core/index'],
  ['web/demo/ok-b.tsx', '../worker/index'],
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
