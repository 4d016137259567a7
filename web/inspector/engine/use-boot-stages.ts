/** The stages of a boot that was seen. */

import { useEffect, useState } from 'react'
import type { BootProgress, DurablyClient } from '../../core/index'

/** Those of the newest boot since the inspector is there; empty when it was over before. */
export function useBootStages(durably: DurablyClient): readonly BootProgress[] {
  const [stages, setStages] = useState<readonly BootProgress[]>([])
  useEffect(() => {
    const look = () => {
      const { boot } = durably.status.getSnapshot()
      if (boot !== null) setStages((known) => withStage(known, boot))
    }
    look()
    return durably.status.subscribe(look)
  }, [durably])
  return stages
}

/** A stage that begins earlier than the last one is of another boot. */
function withStage(known: readonly BootProgress[], boot: BootProgress): readonly BootProgress[] {
  const last = known.at(-1)
  if (last?.stage === boot.stage && last.elapsed === boot.elapsed) return known
  return last === undefined || boot.elapsed < last.elapsed ? [boot] : [...known, boot]
}
