/** package-lock.json, which `npm ci` must accept on each platform. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
  readFileSync('package-lock.json', 'utf8'),
)

test('holds the binaries of every platform, not only of the one it was written on', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !(
          `node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages
        ),
    ),
  )

  expect(missing).toEqual([])
})

test('names no registry, so that each machine uses its own', () => {
  const named = Object.values(lock.packages).filter(({ resolved }) => resolved?.startsWith('http'))

  expect(named).toEqual([])
})
