/** Browser tests: the built demo, served as a static host would, in one Chromium at a time. */

import { defineConfig } from '@playwright/test'
import { chromiumPath } from './scripts/chromium.mjs'

const PORT = Number(process.env.DURABLY_E2E_PORT ?? 4273)

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  reporter: 'list',
  // Kills and timings are what is tested; two browsers on a small machine would test each other.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  timeout: 300_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}`,
    launchOptions: { executablePath: chromiumPath(), args: ['--no-sandbox'] },
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'chromium', use: { browserName: 'chromium' } },
    { name: 'package', testDir: 'tests/package', use: { browserName: 'chromium' } },
    { name: 'kill', testDir: 'tests/kill', use: { browserName: 'chromium' } },
  ],
  webServer: {
    command: `node scripts/preview-static.mjs --also lab --port ${PORT}`,
    url: `http://localhost:${PORT}/lab/`,
    reuseExistingServer: false,
    stdout: 'ignore',
    stderr: 'pipe',
  },
})
