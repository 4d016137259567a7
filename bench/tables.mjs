/** What the benchmark prints: the numbers, then which targets they reach. */

export function printTables(rows, definitions) {
  print(
    ['', 'ours', 'plain', 'peer', 'limit', 'unit', 'lowest', 'highest'],
    rows.map(({ name, unit, ours, plain, peer, limit, runs }) => {
      const ends = runs.length > 0 ? [Math.min(...runs), Math.max(...runs)] : [null, null]
      return [name, ...[ours, plain, peer, limit].map(shown), unit, ...ends.map(shown)]
    }),
  )
  const row = (name) => rows.find((other) => other.name === name)
  print(
    ['', 'value', 'target', ''],
    definitions.flatMap(({ name, target, reached }) => {
      if (target === undefined) return []
      const found = row(name)
      return [[name, shown(found.ours), target, verdict(found, reached, row)]]
    }),
  )
}

function verdict(found, reached, row) {
  if (found.ours === null) return 'not measured'
  const is = reached(found, row)
  if (is === null) return 'not compared'
  return is ? 'reached' : 'NOT reached'
}

function shown(value) {
  if (value === null) return ''
  if (value >= 100) return value.toFixed(0)
  return value.toFixed(value < 10 ? 2 : 1)
}

function print(head, lines) {
  const all = [head, ...lines]
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column].length)))
  console.log()
  for (const cells of all) {
    const line = cells.map((cell, column) =>
      column ? cell.padStart(widths[column] + 2) : cell.padEnd(widths[column]),
    )
    console.log(line.join('').trimEnd())
  }
}
