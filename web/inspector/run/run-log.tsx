/** The log of a run, as it is written. */

import { useLayoutEffect, useRef, useState } from 'react'
import { type LogEntry, type LogLevel, MAX_LOGS } from '../../core/index'
import { absoluteText, counted, numberText } from '../parts/format'

const LEVELS: readonly LogLevel[] = ['info', 'warn', 'error']
/** Lines that are drawn at once. */
const MOST = 200
/** Pixels from the end within which the newest line is kept in view. */
const NEAR = 40

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

interface RunLogProps {
  readonly logs: readonly LogEntry[]
}

export function RunLog({ logs }: RunLogProps) {
  const [least, setLeast] = useState<LogLevel>('info')
  const [isWhole, setWhole] = useState(false)
  const list = useRef<HTMLOListElement>(null)
  const isAtEnd = useRef(true)
  const chosen = logs.filter(({ level }) => LEVELS.indexOf(level) >= LEVELS.indexOf(least))
  const shown = isWhole ? chosen : chosen.slice(-MOST)
  const newest = shown.at(-1)?.id
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new line moves the end
  useLayoutEffect(() => {
    if (list.current && isAtEnd.current) list.current.scrollTop = list.current.scrollHeight
  }, [newest])
  return (
    <div className="block">
      <div className="block-head">
        <h3>Log</h3>
        <label className="inline-field">
          <span>From level</span>
          <select
            className="input small"
            value={least}
            onChange={(event) => setLeast(event.target.value as LogLevel)}
          >
            {LEVELS.map((level) => (
              <option key={level}>{level}</option>
            ))}
          </select>
        </label>
      </div>
      {shown.length < chosen.length && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          Show {counted(chosen.length - shown.length, 'earlier line')}
        </button>
      )}
      {logs.length >= MAX_LOGS && (
        <p className="hint">The newest {numberText(MAX_LOGS)} lines are kept here.</p>
      )}
      {shown.length === 0 ? (
        <p className="hint">
          {logs.length === 0 ? 'Nothing was written.' : 'Nothing of that level.'}
        </p>
      ) : (
        <ol
          className="log"
          ref={list}
          aria-label="Log"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          tabIndex={0}
          onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
            isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR
          }}
        >
          {shown.map((entry) => (
            <LogLine key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
    </div>
  )
}

function LogLine({ entry }: { readonly entry: LogEntry }) {
  const { createdAt, level, stepName, message, data } = entry
  const at = Date.parse(createdAt)
  return (
    <li className={level}>
      <time dateTime={createdAt} title={absoluteText(at)}>
        {clock.format(at)}
      </time>
      <span className="level">{level}</span>
      <span className="message">
        {stepName !== null && <span className="soft">{stepName} </span>}
        {message}
        {data !== null && <span className="soft"> {JSON.stringify(data)}</span>}
      </span>
    </li>
  )
}
