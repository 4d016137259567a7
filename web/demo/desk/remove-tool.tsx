/** Remove a table. */

import { useState } from 'react'
import { dropTable } from '../jobs/demo_jobs/dropping.py'
import type { ToolProps } from './tool-props'
import { ToolRun, useTool } from './tool-run'

export function RemoveTool({ table }: ToolProps) {
  const tool = useTool(dropTable)
  const [isSure, setIsSure] = useState(false)
  return (
    <>
      <p>The table goes from this browser. What was made of it stays.</p>
      <label className="check">
        <input
          type="checkbox"
          checked={isSure}
          onChange={(event) => setIsSure(event.currentTarget.checked)}
        />
        Yes, remove {table.name}
      </label>
      <button
        type="button"
        className="button"
        disabled={!isSure || tool.job.isActive}
        onClick={() => void tool.start({ table: table.id })}
      >
        Remove
      </button>
      <ToolRun tool={tool} name="The removal">
        {() => <p className="hint">It is gone.</p>}
      </ToolRun>
    </>
  )
}
