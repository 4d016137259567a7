/** A CSV file that is hard to read, together with what a reader must make of it. */

import { seeded } from './random'

export interface NastyCsv {
  readonly bytes: Buffer
  readonly columns: readonly string[]
  /** The rows to be imported: the row number, then the cells. */
  readonly rows: readonly (readonly [number, ...string[]])[]
  /** The rows to be refused: row number and column. */
  readonly refused: readonly { readonly row: number; readonly column: string }[]
  readonly blank: number
}

const COLUMNS = ['id', 'name', 'city, country', 'amount', 'since', 'active', 'note'] as const

const NAMES = [
  'Zoë Øster',
  'Łukasz',
  '日本 太郎',
  'O’Brien, Ann',
  'Mehmet "Memo" Ağa',
  '😀 Smile',
  'Bob',
]
const CITIES = ['Köln', 'São Paulo', 'Łódź', 'New York', '東京', '']
const NOTES = [
  '',
  'plain',
  'comma, semicolon; tab\tbar|',
  'he said "no"\nand left',
  'two\r\nlines',
  '""quoted""',
  ' spaces around ',
  'a long remark that goes on and on, '.repeat(8),
]

/** Make a file of *count* data records from *seed*: BOM, CRLF, quotes, line breaks, wrong lengths. */
export function nastyCsv(count: number, seed: number): NastyCsv {
  const random = seeded(seed)
  const pick = <T>(items: readonly [T, ...T[]] | readonly T[]): T =>
    items[Math.floor(random() * items.length)] as T
  const lines: string[] = [record(COLUMNS)]
  const rows: [number, ...string[]][] = []
  const refused: { row: number; column: string }[] = []
  let blank = 0

  for (let row = 2; row < count + 2; row++) {
    const cells = [
      String(row),
      `${pick(NAMES)} ${Math.floor(random() * 1000)}`,
      pick(CITIES),
      (random() * 10_000).toFixed(2),
      new Date(1.5e12 + Math.floor(random() * 2e11)).toISOString().slice(0, 10),
      random() < 0.5 ? 'true' : 'false',
      pick(NOTES),
    ]
    const kind = random()
    if (kind < 0.004) {
      const length = 1 + Math.floor(random() * (COLUMNS.length - 1))
      lines.push(record(cells.slice(0, length)))
      refused.push({ row, column: COLUMNS[length] ?? '' })
    } else if (kind < 0.007) {
      lines.push(record([...cells, 'extra', 'more']))
      refused.push({ row, column: `column ${COLUMNS.length + 1}` })
    } else if (kind < 0.009) {
      lines.push(`${row},"closed"badly,x,1.00,2020-01-01,true,`)
      refused.push({ row, column: 'name' })
    } else if (kind < 0.01) {
      lines.push('')
      blank += 1
    } else {
      lines.push(record(cells))
      rows.push([row, ...cells])
    }
  }
  const bytes = Buffer.from(`\ufeff${lines.join('\r\n')}\r\n`, 'utf8')
  return { bytes, columns: COLUMNS, rows, refused, blank }
}

function record(cells: readonly string[]): string {
  return cells
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',')
}
