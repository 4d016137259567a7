/** Apps outside of the repository, made as their authors make them, with the packed package. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { at, npmPackage } from '../../scripts/paths.mjs'

/** The package as it would be published, packed once. */
export function tarball(): string {
  const folder = at('dist', 'packed')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  run(npmPackage, 'npm', 'pack', '--pack-destination', folder)
  const [file] = readdirSync(folder)
  if (file === undefined) throw new Error('nothing was packed')
  return join(folder, file)
}

/** Run a program to its end; its output is in the error when it fails. */
function run(cwd: string, command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
      env: {
        ...process.env,
        NO_COLOR: '1',
        npm_config_fund: 'false',
        npm_config_audit: 'false',
        npm_config_yes: 'true',
      },
      shell: process.platform === 'win32',
    })
  } catch (error) {
    const { stdout = '', stderr = '' } = Object(error)
    throw new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`)
  }
}

export class App {
  /** Its name has a space: users' folders do. */
  readonly folder = join(mkdtempSync(join(tmpdir(), 'durably-app-')), 'my app')
  #server: ChildProcess | null = null

  /** A copy of an example, with what it depends on. */
  static ofExample(name: string, packed: string): App {
    const app = new App()
    cpSync(at('examples', name), app.folder, { recursive: true, filter: isSource })
    app.run('npm', 'install', packed)
    return app
  }

  run(command: string, ...args: readonly string[]): string {
    return this.runIn(this.folder, command, ...args)
  }

  runIn(folder: string, command: string, ...args: readonly string[]): string {
    return run(folder, command, ...args)
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text)
  }

  /** Start a server by its command line, which gets a free port; resolves when it answers. */
  serve(path: string, ...args: readonly string[]): Promise<string> {
    return this.serveIn(this.folder, path, ...args)
  }

  async serveIn(folder: string, path: string, ...args: readonly string[]): Promise<string> {
    const given = args.indexOf('--port')
    const port = given < 0 ? await freePort() : Number(args[given + 1])
    const last = given < 0 ? ['--port', String(port)] : []
    this.#server = spawn('npx', ['--no-install', ...args, ...last], {
      cwd: folder,
      stdio: 'pipe',
      detached: process.platform !== 'win32',
      shell: process.platform === 'win32',
      env: { ...process.env, NO_COLOR: '1' },
    })
    let said = ''
    this.#server.stdout?.on('data', (chunk) => {
      said += chunk
    })
    this.#server.stderr?.on('data', (chunk) => {
      said += chunk
    })
    const url = `http://localhost:${port}${path}`
    for (let tries = 0; tries < 300; tries += 1) {
      const answer = await fetch(url).catch(() => null)
      if (answer?.ok) return url
      if (this.#server.exitCode !== null) break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error(`${args.join(' ')} does not answer:\n${said}`)
  }

  stop(): void {
    const { pid } = this.#server ?? {}
    this.#server = null
    if (pid === undefined) return
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, 'SIGTERM')
    } catch {
      // It has ended by itself.
    }
  }

  remove(): void {
    this.stop()
    if (existsSync(this.folder)) rmSync(join(this.folder, '..'), { recursive: true, force: true })
  }
}

function isSource(path: string): boolean {
  return !/[\\/](node_modules|dist|public[\\/]durably)([\\/]|$)/.test(path)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('there is no port')
  return address.port
}
