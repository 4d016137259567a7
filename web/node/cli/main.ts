/** `durably-py`: what the Vite plugin does, for every other bundler and for none. */

import { build } from './build'
import { headers } from './headers'
import { told } from './options'
import { types } from './types'

const USAGE = `Usage: durably-py <command> [options]

  build JOBS --out DIR     write a folder that any server can serve: Python, engine, jobs, client, types
  dev JOBS --out DIR       the same, again after each change
  types JOBS [--check]     write a declaration beside each module; --check only says which are old
  headers --netlify        print netlify.toml
  headers --vercel         write vercel.json, keeping what is in it

Options
  --out DIR                where the folder is written
  --refs DIR               also write a TypeScript file for each module there, to import its jobs from
  --package NAME==VERSION  a Python package that the jobs import; may be given more than once
  --lock FILE              where packages are pinned (durably.lock.json)
  --index URL              an index of packages (that of pip or uv, else PyPI)
  --distribution URL       the folder of Pyodide's own packages
`

const commands: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  build: (args) => build(args, { watch: false }),
  dev: (args) => build(args, { watch: true }),
  types,
  headers,
}

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = commands[name]
  if (command === undefined) {
    const isAsked = name === '--help' || name === '-h' || name === 'help'
    process[isAsked ? 'stdout' : 'stderr'].write(USAGE)
    return isAsked ? 0 : 2
  }
  try {
    return await command(args)
  } catch (error) {
    process.stderr.write(`durably-py: ${told(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
