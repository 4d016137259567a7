/** What a tool has made: another table, or files. */

import type { BlobRef } from 'durably-py'
import { useDurably } from 'durably-py/react'
import { useState } from 'react'
import type { TableInfo } from '../jobs/demo_jobs/queries.py'
import { Problem } from '../problem'
import { counted, fileSize } from '../words'

interface MadeTableProps {
  readonly table: TableInfo
  readonly onShow: (table: TableInfo) => void
}

export function MadeTable({ table, onShow }: MadeTableProps) {
  return (
    <p className="note" role="status" data-testid="made">
      <strong>{table.name}</strong> is there, with {counted(table.rows, 'row')}.{' '}
      <button type="button" className="link" onClick={() => onShow(table)}>
        Show it
      </button>
    </p>
  )
}

interface SaveFileProps {
  readonly file: BlobRef
  readonly label: string
}

export function SaveFile({ file, label }: SaveFileProps) {
  const { durably } = useDurably()
  const [trouble, setTrouble] = useState<unknown>(null)
  const save = async () => {
    setTrouble(null)
    const url = URL.createObjectURL(await durably.readBlob(file))
    const link = document.createElement('a')
    link.href = url
    link.download = file.name
    link.click()
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000)
  }
  return (
    <>
      <button type="button" className="button" onClick={() => save().catch(setTrouble)}>
        {label} <span className="hint">{fileSize(file.size)}</span>
      </button>
      {trouble !== null && <Problem title="The file cannot be read" error={trouble} />}
    </>
  )
}
