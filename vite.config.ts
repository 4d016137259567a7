/** The demo app, which uses the package as anyone would. */

import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { durablyPy } from 'durably-py/vite'
import { defineConfig } from 'vite'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('./web/demo'),
  // What is not there is a 404, not the start page: a missing part must say so.
  appType: 'mpa',
  plugins: [
    react(),
    durablyPy({
      jobs: 'jobs',
      store: 'durably-demo',
      headers: 'netlify',
      packages: ['openpyxl==3.1.5'],
      // A person may fetch rows from where they like.
      csp: { 'connect-src': "'self' https:" },
      // GitHub Pages sends no headers of ours.
      offline: { isolate: true },
    }),
  ],
  // The package lies in dist/package, beside the demo's own folder.
  server: { port: 5173, strictPort: true, fs: { allow: [at('.')] } },
  preview: { port: 4173, strictPort: true },
  build: { outDir: at('./dist/demo'), emptyOutDir: true, target: 'es2023', sourcemap: true },
})
