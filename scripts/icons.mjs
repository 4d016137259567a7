/** Draw the demo's icons from its SVG, by hand after that has changed: `node scripts/icons.mjs`. */

import { readFileSync } from 'node:fs'
import { chromium } from '@playwright/test'
import { chromiumPath } from './chromium.mjs'
import { at } from './paths.mjs'

const FOLDER = at('web', 'demo', 'public')
/** A mask may cut off all but a circle of 80 %: its ground goes to the edges, its sign is smaller. */
const ICONS = [
  { name: 'icon-192', size: 192, scale: 1, ground: 'transparent' },
  { name: 'icon-512', size: 512, scale: 1, ground: 'transparent' },
  { name: 'icon-maskable-512', size: 512, scale: 0.75, ground: '#0b6e63' },
]

const svg = readFileSync(`${FOLDER}/icon.svg`, 'utf8')
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
const page = await browser.newPage()
for (const { name, size, scale, ground } of ICONS) {
  await page.setViewportSize({ width: size, height: size })
  await page.setContent(
    `<style>body{margin:0;display:grid;place-items:center;height:100vh;background:${ground}}svg{width:${scale * 100}%}</style>${svg}`,
  )
  await page.screenshot({ path: `${FOLDER}/${name}.png`, omitBackground: true })
}
await browser.close()
