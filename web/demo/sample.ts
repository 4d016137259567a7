/** A made-up CSV file for whoever has none at hand: quoted fields, empty ones, other alphabets, rows that do not fit. */

const ROWS = 20_000
const NAMES = ['Ada', 'Zoë', 'Jürgen', '李娜', 'Олена', 'Mary "May"', 'Łukasz', 'Amélie']
const CITIES = ['Lisbon', 'Köln', 'São Paulo', 'Kyiv', '東京', 'Reykjavík', 'Springfield, North']

export function sampleFile(): File {
  const lines = ['id,name,city,joined,orders,spent,subscribed']
  for (let row = 1; row <= ROWS; row += 1) lines.push(line(row))
  return new File([`${lines.join('\r\n')}\r\n`], 'sample.csv', { type: 'text/csv' })
}

function line(row: number): string {
  const spent = row % 11 === 0 ? '' : ((row * 7919) % 100_000) / 100
  const joined = new Date(Date.UTC(2015, 0, 1 + (row % 3650))).toISOString().slice(0, 10)
  const fields = [
    row,
    NAMES[row % NAMES.length],
    CITIES[row % CITIES.length],
    joined,
    row % 40,
    spent,
  ]
  // Now and then a field too few.
  return (row % 2500 === 0 ? fields : [...fields, row % 3 === 0]).map(quoted).join(',')
}

function quoted(field: unknown): string {
  const text = String(field)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
