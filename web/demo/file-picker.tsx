/** Choose a CSV file, by dialog or by dropping it, and how to read it. */

import { type FormEvent, useId, useState } from 'react'
import { useGivenFiles } from './given-files'
import type { ImportInput } from './jobs/demo_jobs/importing.py'
import { sampleFile } from './sample'
import { fileSize } from './words'

type Options = Required<Pick<NonNullable<ImportInput['options']>, 'encoding' | 'delimiter'>>

export type Choice = { readonly file: File; readonly options: Options }

interface FilePickerProps {
  /** Why nothing can be imported just now; null when something can. */
  readonly waitingFor: string | null
  readonly onImport: (choice: Choice) => void
}

const ENCODINGS: readonly (readonly [Options['encoding'], string])[] = [
  ['auto', 'Detect automatically'],
  ['utf-8', 'UTF-8'],
  ['utf-16', 'UTF-16'],
  ['windows-1252', 'Windows-1252 (Latin-1)'],
]

const DELIMITERS: readonly (readonly [Options['delimiter'], string])[] = [
  ['auto', 'Detect automatically'],
  [',', 'Comma ,'],
  [';', 'Semicolon ;'],
  ['\t', 'Tab'],
  ['|', 'Vertical bar |'],
]

export function FilePicker({ waitingFor, onImport }: FilePickerProps) {
  const id = useId()
  const [file, setFile] = useState<File | null>(null)
  const [encoding, setEncoding] = useState<Options['encoding']>('auto')
  const [delimiter, setDelimiter] = useState<Options['delimiter']>('auto')
  const isOver = useGivenFiles(setFile)

  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (file !== null) onImport({ file, options: { encoding, delimiter } })
  }

  return (
    <form className="card" onSubmit={submit} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Choose a file</h2>
      <label className="drop" data-over={isOver} data-chosen={file !== null}>
        <input
          type="file"
          accept=".csv,.tsv,.txt,.gz,.zip,.xlsx,text/csv,text/tab-separated-values,text/plain"
          data-testid="file"
          onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)}
        />
        {file === null ? (
          <span>
            <strong>Choose a file</strong> or drop one anywhere on the page
          </span>
        ) : (
          <span>
            <span className="visually-hidden">Chosen, choose another: </span>
            <strong data-testid="file-name">{file.name}</strong> {fileSize(file.size)}
          </span>
        )}
      </label>
      <p className="hint">
        No file at hand?{' '}
        <button type="button" className="link" onClick={() => setFile(sampleFile())}>
          Take a made-up one
        </button>
      </p>
      <details className="options">
        <summary>Encoding and delimiter</summary>
        <div className="fields">
          <Field id={`${id}-encoding`} label="Encoding">
            <Choices
              id={`${id}-encoding`}
              choices={ENCODINGS}
              value={encoding}
              onChoose={setEncoding}
            />
          </Field>
          <Field id={`${id}-delimiter`} label="Delimiter">
            <Choices
              id={`${id}-delimiter`}
              choices={DELIMITERS}
              value={delimiter}
              onChoose={setDelimiter}
            />
          </Field>
        </div>
      </details>
      <div className="actions">
        <button
          type="submit"
          className="button primary"
          data-testid="import"
          disabled={file === null || waitingFor !== null}
        >
          Import
        </button>
        <p className="hint">
          {waitingFor ?? 'CSV, Excel, or either in a ZIP. The file stays on this device.'}
        </p>
      </div>
    </form>
  )
}

function Field(props: {
  readonly id: string
  readonly label: string
  readonly children: React.ReactNode
}) {
  return (
    <div className="field">
      <label htmlFor={props.id}>{props.label}</label>
      {props.children}
    </div>
  )
}

interface ChoicesProps<Value extends string> {
  readonly id: string
  readonly choices: readonly (readonly [Value, string])[]
  readonly value: Value
  readonly onChoose: (value: Value) => void
}

function Choices<Value extends string>({ id, choices, value, onChoose }: ChoicesProps<Value>) {
  const choose = (wanted: string) => {
    const found = choices.find(([known]) => known === wanted)
    if (found !== undefined) onChoose(found[0])
  }
  return (
    <select id={id} value={value} onChange={(event) => choose(event.currentTarget.value)}>
      {choices.map(([known, label]) => (
        <option key={known} value={known}>
          {label}
        </option>
      ))}
    </select>
  )
}
