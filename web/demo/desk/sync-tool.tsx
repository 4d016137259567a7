/** Fetch rows, page by page, from a source on the web. */

import { type FormEvent, useId, useState } from 'react'
import type { TableInfo } from '../jobs/demo_jobs/queries.py'
import { type SyncInput, syncSource } from '../jobs/demo_jobs/syncing.py'
import { counted } from '../words'
import { Select, Text } from './fields'
import { MadeTable } from './made'
import { ToolRun, useTool } from './tool-run'

const PAGING: readonly (readonly [NonNullable<SyncInput['paging']>, string])[] = [
  ['next', 'Each page names the next'],
  ['page', 'By number: ?page=1'],
]

/** A small source that comes with this page. */
const sample = () => new URL('source/stations-1.json', document.baseURI).href

export function SyncTool({ onMade }: { readonly onMade: (table: TableInfo) => void }) {
  const id = useId()
  const tool = useTool(syncSource)
  const [url, setUrl] = useState(sample)
  const [name, setName] = useState('Stations')
  const [paging, setPaging] = useState<NonNullable<SyncInput['paging']>>('next')
  const start = (event: FormEvent) => {
    event.preventDefault()
    void tool.start({ url, name, paging })
  }
  return (
    <section className="card" aria-labelledby={id} data-testid="sync">
      <h2 id={id}>Fetch rows from the web</h2>
      <form className="form" onSubmit={start}>
        <div className="fields">
          <Text label="Address of the first page" type="url" value={url} onChange={setUrl} />
          <Text label="Name of the table" value={name} onChange={setName} />
          <Select label="Pages" choices={PAGING} value={paging} onChoose={setPaging} />
        </div>
        <div className="actions">
          <button type="submit" className="button primary" disabled={tool.job.isActive}>
            Fetch
          </button>
          <p className="hint">
            Pages of JSON. Without a network it waits; each page is fetched and stored once.
          </p>
        </div>
      </form>
      <ToolRun tool={tool} name="The fetch">
        {({ table, pages }) => (
          <>
            <MadeTable table={table} onShow={onMade} />
            <p className="hint">It came in {counted(pages, 'page')}.</p>
          </>
        )}
      </ToolRun>
    </section>
  )
}
