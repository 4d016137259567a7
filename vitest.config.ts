/** Unit tests of the TypeScript side: each folder in the environment that its code runs in. */

import { defineConfig } from 'vitest/config'

/** These boot Python in Pyodide, many times: seconds each. `npm run check` leaves them out. */
const WITH_PYTHON = [
  'tests/web/opfs/{differential,opfs-fs,torn-disk}.test.ts',
  'tests/web/spa/worker/{host,snapshot,store-files,stores}.test.ts',
  'tests/web/node/cli.test.ts',
]

export default defineConfig({
  test: {
    // A limit against hanging, not a measure: a busy machine may take ten times as long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['tests/web/{core,spa,opfs,house,node}/**/*.test.{ts,tsx}'],
          exclude: WITH_PYTHON,
        },
      },
      {
        extends: true,
        test: {
          name: 'page',
          environment: 'happy-dom',
          include: ['tests/web/{react,inspector,demo}/**/*.test.{ts,tsx}'],
        },
      },
      { extends: true, test: { name: 'python', environment: 'node', include: WITH_PYTHON } },
    ],
  },
})
