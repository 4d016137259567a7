/** When a page is put aside, and when it is back. */

export interface PageLifeListener {
  /** The page ends, or is frozen: what it holds must be free for others. */
  aside(): void
  back(): void
  /** The page has come into view, or the network is back. */
  seen(): void
}

/** Tell *listener* of the page's life; returns how to stop that. */
export function watchPageLife(listener: PageLifeListener): () => void {
  const listening = new AbortController()
  // `freeze`, `resume` and `visibilitychange` are the document's; caught, they pass the window too.
  const options = { capture: true, signal: listening.signal }
  const on = (event: string, react: () => void) =>
    // Not there in a test without a page.
    globalThis.addEventListener?.(event, react, options)
  on('pagehide', () => listener.aside())
  on('freeze', () => listener.aside())
  on('pageshow', () => listener.back())
  on('resume', () => listener.back())
  on('visibilitychange', () => listener.seen())
  on('online', () => listener.seen())
  return () => listening.abort()
}
