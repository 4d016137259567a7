/** Give a file to the user, as a download. */

/** Milliseconds that a browser has to begin with it. */
const GRACE = 60_000

export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), GRACE)
}
