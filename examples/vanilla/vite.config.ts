import { durablyPy } from 'durably-py/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  // Served from a folder, as GitHub Pages serves a project.
  base: '/reports/',
  plugins: [durablyPy()],
})
