/** What a person at the page feels: it stalls, a cancel takes, an import takes. */

const ROWS = 60_000

/** The longest time in which the page could do nothing while a step computed for 2 s. */
export async function stall(site) {
  return inTab(site, stallWhileComputing, 2)
}

async function stallWhileComputing(seconds) {
  const channel = new MessageChannel()
  let longest = 0
  let last = performance.now()
  let isOver = false
  channel.port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) channel.port2.postMessage(null)
  }
  channel.port2.postMessage(null)
  await window.lab.triggerAndWait('compute', { seconds })
  isOver = true
  return longest
}

/** From the cancel of a step that never ends to the end of another run: only then is it proved. */
export async function cancelRunaway(site) {
  return inTab(site, cancelHanging)
}

async function cancelHanging() {
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
  await window.lab.triggerAndWait('steps', { count: 1 })
  const { runId } = await window.lab.trigger('hang', { how: 'loop' })
  await pause(500)
  const began = performance.now()
  const stopped = (async () => {
    await window.lab.cancel(runId)
    await window.lab.triggerAndWait('steps', { count: 1 })
    return performance.now() - began
  })()
  const took = await Promise.race([stopped, pause(15_000)])
  if (took === undefined) throw new Error('it was not stopped within 15 s')
  return took
}

/** The demo's import of 60,000 rows, 6 MB. */
export async function importRows(site) {
  return inTab(site, importSeconds, csv(ROWS))
}

async function importSeconds(text) {
  const began = performance.now()
  const file = new File([text], 'bench.csv', { type: 'text/csv' })
  const { output } = await window.lab.triggerAndWait('import-csv', { file })
  if (output.imported !== 60_000) throw new Error(`${output.imported} rows were imported`)
  return (performance.now() - began) / 1000
}

function csv(count) {
  const lines = ['id,name,email,city,amount,since,active,note']
  for (let row = 0; row < count; row++) {
    const day = String((row % 28) + 1).padStart(2, '0')
    const note = row % 3 ? '' : '"a remark, with a comma and ""quotes"", that takes its time"'
    const person = `Person ${row} Müller`
    lines.push(
      `${row},${person},person.number.${row}@example.com,City ${row % 500},${(row % 9973) / 100},` +
        `2024-03-${day},${row % 2 === 0},${note}`,
    )
  }
  return `${lines.join('\r\n')}\r\n`
}

async function inTab(site, work, parameter) {
  const page = await site.open()
  try {
    return await page.evaluate(work, parameter)
  } finally {
    await page.close()
  }
}
