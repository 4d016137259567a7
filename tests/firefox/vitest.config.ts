/** Tests in Firefox: one browser, one test at a time. */

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/firefox/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
