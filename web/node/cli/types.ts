/** `durably-py types`: declarations without a build. */

import { relative } from 'node:path'
import { read } from './options'

export async function types(args: string[]): Promise<number> {
  const { values, project } = read(args)
  try {
    await project.read()
    if (!values.check) {
      for (const file of await project.writeDeclarations()) say(`wrote ${relative('', file)}`)
      return 0
    }
    const stale = await project.staleDeclarations()
    for (const file of stale)
      say(`${relative('', file)} is not what its module says: run durably-py types`)
    return stale.length > 0 ? 1 : 0
  } finally {
    await project.close()
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
