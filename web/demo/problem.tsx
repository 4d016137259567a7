/** An error a person can act on: what happened, its code, what to do. */

import { DurablyError } from 'durably-py'
import { Component, type ReactNode } from 'react'
import { advice, codeAndSentence } from './words'

interface ProblemProps {
  readonly title: string
  readonly error: unknown
  /** `status` is announced when convenient, `alert` at once. */
  readonly role?: 'alert' | 'status'
  readonly children?: ReactNode
}

export function Problem({ title, error, role = 'alert', children }: ProblemProps) {
  const { code, sentence } = partsOf(error)
  const problems = error instanceof DurablyError ? error.problems : []
  const help = advice(code)
  return (
    <div className="problem" role={role} data-testid="problem" data-code={code ?? ''}>
      <p className="problem-title">
        {title}
        {code !== null && <code className="code">{code}</code>}
      </p>
      <p data-testid="problem-sentence">{sentence}</p>
      {problems.length > 0 && (
        <ul>
          {problems.map(({ path, message }) => (
            <li key={path.join('.')}>
              <code>{path.join('.')}</code>: {message}
            </li>
          ))}
        </ul>
      )}
      {help !== null && <p className="problem-help">{help}</p>}
      {children}
    </div>
  )
}

function partsOf(error: unknown): { code: string | null; sentence: string } {
  if (error instanceof DurablyError) return { code: error.code, sentence: error.message }
  return codeAndSentence(error instanceof Error ? error.message : String(error))
}

interface ProblemBoundaryProps {
  readonly title: string
  readonly children: ReactNode
}

/** Shows a `Problem` in place of children that throw, and offers to reload the page. */
export class ProblemBoundary extends Component<ProblemBoundaryProps, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <Problem title={this.props.title} error={this.state.error}>
        <button type="button" className="button" onClick={() => window.location.reload()}>
          Reload the page
        </button>
      </Problem>
    )
  }
}
