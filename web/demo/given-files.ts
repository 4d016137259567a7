/** Files that reach the page otherwise than by its own field: dropped anywhere on it, or opened with the installed app. */

import { useEffect, useEffectEvent, useState } from 'react'

interface LaunchQueue {
  setConsumer(consumer: (params: { readonly files: readonly FileSystemFileHandle[] }) => void): void
}

/** Tell *onFile* of each; whether a file is held over the page just now. */
export function useGivenFiles(onFile: (file: File) => void): boolean {
  const [isOver, setIsOver] = useState(false)
  const given = useEffectEvent(onFile)

  useEffect(() => {
    const listening = new AbortController()
    const on = (type: 'dragover' | 'dragleave' | 'drop', listener: (event: DragEvent) => void) =>
      document.addEventListener(type, listener, { signal: listening.signal })
    on('dragover', (event) => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      setIsOver(true)
    })
    // Left for another element of the page it is still over the page.
    on('dragleave', (event) => {
      if (event.relatedTarget === null) setIsOver(false)
    })
    on('drop', (event) => {
      const file = event.dataTransfer?.files[0]
      if (file === undefined) return
      event.preventDefault()
      setIsOver(false)
      given(file)
    })
    const { launchQueue } = window as { launchQueue?: LaunchQueue }
    launchQueue?.setConsumer(async ({ files: [handle] }) => {
      if (handle !== undefined) given(await handle.getFile())
    })
    return () => listening.abort()
  }, [])

  return isOver
}
