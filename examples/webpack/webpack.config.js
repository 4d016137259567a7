import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

export default {
  entry: at('./src/main.js'),
  // Python's parts lie in public/durably already; webpack has nothing to do with them.
  output: { path: at('./public'), filename: 'main.js' },
  performance: { hints: false },
}
