import react from '@vitejs/plugin-react'
import { durablyPy } from 'durably-py/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react(), durablyPy({ offline: true, headers: 'netlify' })],
})
