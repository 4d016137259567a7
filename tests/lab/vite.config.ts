/** The lab, built into a folder of the demo's: same origin, same jobs, same stores. */

import { fileURLToPath } from 'node:url'
import { durablyPy } from 'durably-py/vite'
import { defineConfig } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('.'),
  base: '/lab/',
  plugins: [
    durablyPy({
      jobs: '../../web/demo/jobs',
      types: false,
      packages: ['openpyxl==3.1.5'],
      lockFile: '../../web/demo/durably.lock.json',
      headers: 'netlify',
      csp: { 'connect-src': "'self' http://localhost:*" },
    }),
  ],
  build: {
    outDir: at('../../dist/demo/lab'),
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: true,
    rolldownOptions: { input: [at('./index.html'), at('./inspector.html')] },
  },
})
