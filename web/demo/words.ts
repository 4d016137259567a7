/** Numbers and error codes, as the page says them. */

const LANGUAGE = 'en'

const counts = new Intl.NumberFormat(LANGUAGE)
const percents = new Intl.NumberFormat(LANGUAGE, { style: 'percent', maximumFractionDigits: 0 })

export function count(value: number): string {
  return counts.format(value)
}

/** *value* with *noun*, in the plural unless there is one. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

export function percent(share: number): string {
  return percents.format(share)
}

export function fileSize(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte')
  const [value, unit] = bytes < 1_000_000 ? [bytes / 1000, 'kB'] : [bytes / 1_000_000, 'MB']
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`
}

/** Split "not_utf8: The file …" into its code and its sentence. */
export function codeAndSentence(message: string): { code: string | null; sentence: string } {
  const found = /^([a-z][a-z0-9_]+): (.+)$/s.exec(message)
  return found?.[1] !== undefined && found[2] !== undefined
    ? { code: found[1], sentence: found[2] }
    : { code: null, sentence: message }
}

/** Codes of errors that a failed run tells by their class. */
const CODES: Readonly<Record<string, string>> = {
  'durably.errors.RecoveryLimitError': 'recovery_limit',
}

/** What a failed run says, with its code in front where its class has one. */
export function withCode(error: string, errorType: string | null): string {
  const code = errorType === null ? undefined : CODES[errorType]
  return code === undefined ? error : `${code}: ${error}`
}

const ADVICE: Readonly<Record<string, string>> = {
  aborted: 'Try again.',
  blob_failed:
    'Choose the file again. If it lies on a drive or in a cloud folder, copy it here first.',
  boot_failed:
    'It is tried again as long as the network is away. Else reload the page; if it happens again, clear the site’s cache.',
  broken_header: 'Open the file in a text editor and repair its first line.',
  closed: 'Reload the page.',
  empty_file: 'Choose another file.',
  not_csv: 'Save the table as CSV in the program it comes from, then choose that file.',
  not_durable:
    'Runs would not survive a crash in this browser. Use a current Chrome, Edge, Firefox or Safari.',
  opfs_locked:
    'Another tab or a former one still holds the files. Close it, wait a moment, then reload.',
  opfs_unavailable: 'Leave private browsing or allow this site to store data, then reload.',
  owner_silent: 'Show the tab that runs Python, or close it. This one goes on by itself.',
  quota_exceeded:
    'Free some space on this device or remove data of other sites. What was saved is kept.',
  recovery_limit: 'The step may need more memory than there is. Try a smaller file.',
  schema_too_new: 'A newer version of this app wrote the runs. Reload to get it.',
  storage_busy: 'The import goes on by itself. Nothing is lost.',
  storage_full: 'Free some space on this device. The import goes on by itself; nothing is lost.',
  storage_io: 'The import goes on by itself when the storage answers again. Nothing is lost.',
  storage_unreadable: 'Nothing was deleted. Ask whoever runs this site before you clear its data.',
  too_many_columns: 'Split the file, or check that the right delimiter is chosen.',
  unknown_job: 'The page and its Python jobs are of different versions. Reload the page.',
  validation: 'Check the fields named above.',
  worker_crashed: 'Reload the page: the import goes on from its last saved batch.',
}

/** What a person can do about an error of this code. */
export function advice(code: string | null): string | null {
  return code === null ? null : (ADVICE[code] ?? null)
}
