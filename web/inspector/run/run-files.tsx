/** The files of a run, to be saved. */

import type { BlobRef, DurablyClient } from '../../core/index'
import { sizeText } from '../parts/format'
import { Problem } from '../parts/problem'
import { saveFile } from '../parts/save-file'
import { useAction } from '../parts/use-action'

interface RunFilesProps {
  readonly durably: DurablyClient
  readonly files: readonly BlobRef[]
}

export function RunFiles({ durably, files }: RunFilesProps) {
  const { isBusy, error, act } = useAction()
  return (
    <div className="block">
      <h3>Files</h3>
      <ul className="plain files">
        {files.map((file) => (
          <li key={file.sha256}>
            <span className="file-name">{file.name || file.sha256.slice(0, 12)}</span>
            <span className="soft">
              {sizeText(file.size)}
              {file.mediaType && `, ${file.mediaType}`}
            </span>
            <button
              type="button"
              className="button small"
              disabled={isBusy}
              aria-label={`Save ${file.name || file.sha256}`}
              onClick={() =>
                void act(async () =>
                  saveFile(await durably.readBlob(file), file.name || file.sha256.slice(0, 12)),
                )
              }
            >
              Save
            </button>
          </li>
        ))}
      </ul>
      {error !== null && <Problem title="The file can’t be read" error={error} />}
    </div>
  )
}
