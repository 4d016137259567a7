/** An error: what happened, and its code. */

import { Component, type ReactNode } from 'react'
import { toDurablyError } from '../../core/errors'

interface ProblemProps {
  readonly title: string
  readonly error: unknown
  readonly children?: ReactNode
}

export function Problem({ title, error, children }: ProblemProps) {
  const { code, message } = toDurablyError(error)
  return (
    <div className="problem" role="alert">
      <p className="problem-title">
        {title} <code>{code}</code>
      </p>
      <p>{message}</p>
      {children}
    </div>
  )
}

interface BoundaryProps {
  readonly children: ReactNode
}

/** An inspector that breaks must not take the app's page with it. */
export class Boundary extends Component<BoundaryProps, { readonly error: unknown }> {
  override state: { readonly error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <Problem title="The inspector broke" error={this.state.error}>
        <button type="button" className="button" onClick={() => this.setState({ error: null })}>
          Show it again
        </button>
      </Problem>
    )
  }
}
