/** A JSON value as a tree; what is large is cut until it is asked for. */

import { useState } from 'react'
import type { Json } from '../../core/index'
import { CopyButton } from './copy-button'
import { counted, numberText } from './format'

const LONGEST_TEXT = 400
const MOST_ENTRIES = 50
/** Levels that are open at first. */
const OPEN = 2
/** Larger values begin closed below their first level. */
const LARGE = 30

interface JsonViewProps {
  readonly label: string
  readonly value: Json
}

export function JsonView({ label, value }: JsonViewProps) {
  return (
    <div className="json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="json-tree" aria-label={label} tabIndex={0}>
        <Value value={value} depth={0} />
      </section>
      <CopyButton label="Copy" text={() => JSON.stringify(value, null, 2)} />
    </div>
  )
}

interface ValueProps {
  readonly value: Json
  readonly depth: number
  readonly name?: string
}

function Value({ value, depth, name }: ValueProps) {
  if (value === null || typeof value !== 'object') {
    return (
      <div className="json-leaf">
        {name !== undefined && <Name name={name} />}
        <Leaf value={value} />
      </div>
    )
  }
  return <Branch value={value} depth={depth} name={name} />
}

function Name({ name }: { readonly name: string }) {
  return <span className="json-name">{name}: </span>
}

function Leaf({ value }: { readonly value: null | boolean | number | string }) {
  const [isWhole, setWhole] = useState(false)
  if (typeof value !== 'string') return <span className="json-word">{String(value)}</span>
  const isCut = !isWhole && value.length > LONGEST_TEXT
  return (
    <>
      <span className="json-text">
        “{isCut ? value.slice(0, LONGEST_TEXT) : value}
        {isCut ? '…' : '”'}
      </span>{' '}
      {isCut && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          Show all {numberText(value.length)} characters
        </button>
      )}
    </>
  )
}

interface BranchProps {
  readonly value: readonly Json[] | { readonly [key: string]: Json }
  readonly depth: number
  readonly name: string | undefined
}

function Branch({ value, depth, name }: BranchProps) {
  const isList = Array.isArray(value)
  const size = isList ? value.length : Object.keys(value).length
  const [isOpen, setOpen] = useState(depth < OPEN && (depth === 0 || size <= LARGE))
  const [most, setMost] = useState(MOST_ENTRIES)
  const brackets = isList ? '[]' : '{}'
  if (size === 0) {
    return (
      <div className="json-leaf">
        {name !== undefined && <Name name={name} />}
        <span className="json-word">{brackets}</span>
      </div>
    )
  }
  const about = counted(size, isList ? 'item' : 'field')
  return (
    <div className="json-branch">
      <button
        type="button"
        className="json-toggle"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="arrow" aria-hidden="true" />
        {name !== undefined && <Name name={name} />}
        <span className="soft">{about}</span>
      </button>
      {isOpen && (
        <div className="json-entries">
          {Object.entries(value)
            .slice(0, most)
            .map(([key, item]) => (
              <Value key={key} name={key} value={item} depth={depth + 1} />
            ))}
          {size > most && (
            <p className="json-more">
              <button type="button" className="link" onClick={() => setMost(most + 200)}>
                Show {numberText(Math.min(200, size - most))} more
              </button>
              <button type="button" className="link" onClick={() => setMost(size)}>
                Show all {numberText(size)}
              </button>
            </p>
          )}
        </div>
      )}
    </div>
  )
}
