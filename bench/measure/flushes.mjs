/** How often the disk is told to keep what it was given, for one saved step. */

import { scaled } from './numbers.mjs'

export async function flushesPerStep(site) {
  const page = await site.open(undefined, countFlushes)
  const count = scaled(1_000)
  const flushes = await page.evaluate(async (steps) => {
    // What a run of no step takes is not the steps'.
    const during = async (input) => {
      const before = await window.flushes()
      await window.lab.triggerAndWait('steps', input)
      return (await window.flushes()) - before
    }
    return -(await during({ count: 0 })) + (await during({ count: steps }))
  }, count)
  await page.close()
  return flushes / count
}

/** Runs in the page before its own scripts: each worker counts flushes, and says how many when asked. */
function countFlushes() {
  const count = `
    let flushes = 0
    const { flush } = FileSystemSyncAccessHandle.prototype
    FileSystemSyncAccessHandle.prototype.flush = function () {
      flushes += 1
      return flush.call(this)
    }
    const channel = new BroadcastChannel('bench-flushes')
    channel.onmessage = ({ data }) => data === 'how many' && channel.postMessage(flushes)`
  const urlOf = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
  window.Worker = class extends Worker {
    constructor(url, options) {
      const script = new URL(url, location.href).href
      super(urlOf(`import '${urlOf(count)}'\nimport '${script}'`), options)
    }
  }
  const channel = new BroadcastChannel('bench-flushes')
  window.flushes = () =>
    new Promise((resolve) => {
      channel.onmessage = ({ data }) => resolve(data)
      channel.postMessage('how many')
    })
}
