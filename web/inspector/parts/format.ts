/** Numbers, sizes and times as people read them, in the language of the browser. */

const numbers = new Intl.NumberFormat()
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' })
const shares = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 })

export function numberText(value: number): string {
  return numbers.format(value)
}

export function percentText(share: number): string {
  return shares.format(share)
}

export function absoluteText(time: number): string {
  return absolute.format(time)
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** "3 min. ago", "tomorrow"; less than a minute is "now" or a number of seconds in tens. */
export function relativeText(time: number, now: number): string {
  const away = time - now
  for (const [unit, length] of UNITS) {
    if (Math.abs(away) >= length) return relative.format(Math.trunc(away / length), unit)
  }
  return relative.format(Math.trunc(away / 10_000) * 10, 'second')
}

/** "12 ms", "3.4 s", "2 min 5 s", "1 h 3 min". */
export function durationText(milliseconds: number): string {
  const length = Math.max(0, milliseconds)
  if (length < 1000) return `${Math.round(length)} ms`
  const seconds = Math.floor(length / 1000)
  if (seconds < 60) return `${(Math.floor(length / 100) / 10).toFixed(1)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  }
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export function sizeText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log10(bytes) / 3))
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: SIZES[power] ?? 'byte',
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumFractionDigits: power === 0 ? 0 : 1,
  }).format(bytes / 1000 ** power)
}

/** "1 line", "2 lines". */
export function counted(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? '' : 's'}`
}
