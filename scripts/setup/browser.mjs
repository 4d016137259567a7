/**
 * A Chromium for the tests, its path in .cache/chromium.json. Playwright's own if it is there, else one
 * of this machine, else Playwright's download, else Debian's package. Each is tried by starting it once.
 */

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { at, chromiumRecord } from '../paths.mjs'
import { aptInstall, ask, SetupError, say } from './run.mjs'

const ON_THIS_MACHINE = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** A download that is silent for so long is given up. */
const SILENCE_MS = 45_000

export async function setUpBrowser() {
  if (existsSync(recordedPath())) return
  const { chromium } = await import('@playwright/test')
  const own = chromium.executablePath()
  const found =
    firstThatStarts([process.env.DURABLY_CHROMIUM, own, ...ON_THIS_MACHINE]) ??
    ((await downloadOwn()) ? firstThatStarts([own]) : null) ??
    (aptInstall('chromium') ? firstThatStarts(['chromium']) : null)
  if (!found) {
    throw new SetupError(
      'no Chromium for the browser tests could be found, downloaded or installed. ' +
        'Install Chromium or Chrome, or set DURABLY_CHROMIUM to its path.',
    )
  }
  say(`browser tests use ${found.path} (${found.version})`)
  mkdirSync(dirname(chromiumRecord), { recursive: true })
  writeFileSync(chromiumRecord, `${JSON.stringify(found, null, 2)}\n`)
}

function recordedPath() {
  try {
    return JSON.parse(readFileSync(chromiumRecord, 'utf8')).path
  } catch {
    return ''
  }
}

function firstThatStarts(candidates) {
  for (const candidate of candidates) {
    const path = candidate && (candidate.includes('/') ? candidate : ask('which', [candidate]))
    if (!path || !existsSync(path)) continue
    const version = ask(path, ['--version'])
    // Only a page that comes back proves that no library is missing and no snap stub answers.
    const page = ask(path, [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--dump-dom',
      'data:text/html,up',
    ])
    if (version && page?.includes('up')) return { path, version }
  }
  return null
}

function downloadOwn() {
  say('downloading a Chromium for the browser tests')
  const withLibraries =
    process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') ? ['--with-deps'] : []
  const cli = at('node_modules', '@playwright', 'test', 'cli.js')
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, 'install', ...withLibraries, 'chromium'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '15000' },
    })
    const giveUp = () => child.kill('SIGKILL')
    let timer = setTimeout(giveUp, SILENCE_MS)
    const heard = () => {
      clearTimeout(timer)
      timer = setTimeout(giveUp, SILENCE_MS)
    }
    child.stdout.on('data', heard)
    child.stderr.on('data', heard)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })
}
