/** The peer's page, served isolated as the demo is. */

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  worker: { format: 'es' },
  preview: {
    headers: {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
      'Cross-Origin-Resource-Policy': 'same-origin',
    },
  },
  build: {
    outDir: fileURLToPath(new URL('../../dist/bench-peer', import.meta.url)),
    emptyOutDir: true,
    target: 'es2023',
  },
})
