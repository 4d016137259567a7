/** The service worker of a build: the package's own, and the list of all that the build has made. */

import { createHash } from 'node:crypto'
import type { ResolvedConfig, Rollup } from 'vite'
import { readFolder } from '../node/files'
import { ISOLATION } from '../node/headers'
import { readOwn } from '../node/own-files'
import type { KeptFile, ServiceWorkerConfig } from '../offline/protocol'

export const SERVICE_WORKER = 'sw.js'

/** Files that a host reads, or a debugger. */
const NOT_KEPT = /(\.map|\/?_headers|\/?_redirects)$/

export function serviceWorker(
  { build, publicDir, appType }: ResolvedConfig,
  bundle: Rollup.OutputBundle,
  isolates: boolean,
): string {
  const made = Object.values(bundle).map((file) => ({
    path: file.fileName,
    bytes: file.type === 'chunk' ? file.code : file.source,
  }))
  const files = [...made, ...(build.copyPublicDir && publicDir !== '' ? readFolder(publicDir) : [])]
    .filter(({ path }) => path !== SERVICE_WORKER && !NOT_KEPT.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, bytes }): KeptFile => {
      const hash = createHash('sha256').update(bytes).digest('base64')
      const revision = path.startsWith(`${build.assetsDir}/`) ? null : hash
      return { url: `./${path}`, revision, integrity: `sha256-${hash}` }
    })
  const config: ServiceWorkerConfig = {
    files,
    fallback:
      appType === 'spa' && files.some(({ url }) => url === './index.html') ? './index.html' : null,
    isolation: isolates ? ISOLATION : null,
  }
  const code = new TextDecoder().decode(readOwn(SERVICE_WORKER))
  return `self.DURABLY = ${JSON.stringify(config)}\n${code}`
}
