/** A traceback as Python writes it. */

export function Trace({ text }: { readonly text: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section className="trace" aria-label="Traceback" tabIndex={0}>
      <pre>{text}</pre>
    </section>
  )
}
