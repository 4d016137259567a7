/**
 * Refuse a release whose parts do not say the same: `node scripts/release.mjs v1.2.3`, at the root.
 *
 * Plain versions only, as npm and PyPI write pre-releases each in their own way.
 */

import { readFileSync } from 'node:fs'

const json = (file) => JSON.parse(readFileSync(file, 'utf8'))
const lines = (file) => readFileSync(file, 'utf8').split(/\r?\n/)

/** The version of `[project]`, the only table of pyproject.toml that has one. */
const pythonVersion = () =>
  lines('py/pyproject.toml')
    .map((line) => /^version = "(.+)"$/.exec(line)?.[1])
    .find(Boolean)

function problems(tag = '') {
  if (!/^v\d+\.\d+\.\d+$/.test(tag)) return [`the tag must be a v and three numbers, not "${tag}"`]
  const version = tag.slice(1)
  const said = {
    'package.json': json('package.json').version,
    'package-lock.json': json('package-lock.json').version,
    'py/pyproject.toml': pythonVersion(),
  }
  const found = Object.entries(said)
    .filter(([, one]) => one !== version)
    .map(([file, one]) => `${file} says ${one}`)
  if (!lines('CHANGELOG.md').some((line) => line.startsWith(`## [${version}]`))) {
    found.push(`CHANGELOG.md has no section [${version}]`)
  }
  return found
}

const tag = process.argv[2]
const found = problems(tag)
for (const problem of found) console.error(`release ${tag ?? ''}: ${problem}`)
process.exitCode = found.length > 0 ? 1 : 0
