/** scripts/release.mjs, which stands between a tag and two registries. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'

const SCRIPT = join(process.cwd(), 'scripts', 'release.mjs')
const WORKFLOW = '.github/workflows/publish.yml'
const PYTHON = readFileSync('py/pyproject.toml', 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'release-'))

afterAll(() => rmSync(folder, { recursive: true }))

/** A repository that is ready for v1.2.3. */
const READY: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "durably-py", "version": "1.2.3" }',
  'package-lock.json': '{ "version": "1.2.3" }',
  'py/pyproject.toml': PYTHON.replace(/^version = ".*"$/m, 'version = "1.2.3"'),
  'CHANGELOG.md': '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n',
}

beforeEach(() => {
  mkdirSync(join(folder, 'py'), { recursive: true })
  for (const [file, text] of Object.entries(READY)) writeFileSync(join(folder, file), text)
})

function release(...args: string[]) {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, stderr }
}

test('lets a release pass whose parts say the same', () => {
  expect(release('v1.2.3')).toEqual({ status: 0, stderr: '' })
})

test.each([
  ['package.json', '{ "version": "1.2.4" }', 'package.json says 1.2.4'],
  ['package-lock.json', '{ "version": "1.2.2" }', 'package-lock.json says 1.2.2'],
  ['py/pyproject.toml', PYTHON.replace(/^version = ".*"$/m, ''), 'pyproject.toml says undefined'],
  ['CHANGELOG.md', '## [Unreleased]\n\n## [1.2.30]\n', 'CHANGELOG.md has no section [1.2.3]'],
])('refuses it for %s: %s', (file, text, said) => {
  writeFileSync(join(folder, file), text)

  const { status, stderr } = release('v1.2.3')

  expect(status).toBe(1)
  expect(stderr).toContain(said)
})

test.each(['', '1.2.3', 'v1.2', 'v1.2.3-rc.1', 'v1.2.4'])('refuses the tag "%s"', (tag) => {
  expect(release(tag).status).toBe(1)
})

test('what publishes uses actions by their commit, which nobody can move', () => {
  const used = [...readFileSync(WORKFLOW, 'utf8').matchAll(/uses: (\S+)(.*)/g)]

  expect(used.length).toBeGreaterThan(5)
  for (const [line, action, comment] of used) {
    expect(action, line).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/)
    expect(comment, line).toMatch(/^ # v\d+\.\d+\.\d+$/)
  }
})

test('this repository says one version everywhere', () => {
  const npm: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'))
  const lock: { version: string } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
  const python = /^version = "(.+)"$/m.exec(PYTHON)?.[1]

  expect([lock.version, python]).toEqual([npm.version, npm.version])
})
