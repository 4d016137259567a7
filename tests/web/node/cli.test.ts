/** `durably-py`, as it is built: folders in, folders out, and a sentence for each mistake. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const CLI = join(process.cwd(), 'dist', 'package', 'cli.js')

const REPORTS = `
from durably import Step, job

@job
async def monthly_report(step: Step, month: str) -> list[str]:
    """Write it."""
    return [month]
`

let folder = ''
let server: Server | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durably cli '))
  write('jobs/reports.py', REPORTS)
})

afterEach(() => {
  server?.close()
  server = null
  rmSync(folder, { recursive: true, force: true })
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

function cli(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('types', () => {
  test('writes declarations, and says which are old', () => {
    expect(cli('types', 'jobs', '--check')).toMatchObject({ status: 1 })
    expect(cli('types', 'jobs').stdout).toContain('wrote jobs/reports.py.d.ts')
    expect(read('jobs/reports.py.d.ts')).toContain(
      "/** Write it. */\nexport declare const monthlyReport: JobRef<'monthly-report', string, string[]>",
    )
    expect(cli('types', 'jobs', '--check')).toMatchObject({ status: 0, stdout: '' })
    write('jobs/reports.py', REPORTS.replace('month: str', 'month: int'))
    const old = cli('types', 'jobs', '--check')
    expect(old).toMatchObject({ status: 1 })
    expect(old.stdout).toContain('reports.py.d.ts is not what its module says')
  })

  test('an editor goes from a name to the line of its function', () => {
    cli('types', 'jobs')
    const map = JSON.parse(read('jobs/reports.py.d.ts.map'))
    expect(map).toMatchObject({ sources: ['reports.py'], names: ['monthly_report'] })
    const lines = read('jobs/reports.py.d.ts').split('\n')
    const generated = map.mappings.split(';').length
    expect(lines[generated - 1]).toContain('monthlyReport')
  })

  test.each([
    ['a mistake', 'def broken(:\n', /reports\.py:1[\s\S]*SyntaxError/],
    ['a reserved word', REPORTS.replace('monthly_report', 'delete'), /delete in TypeScript/],
  ])('%s is told with its place', (_, source, told) => {
    write('jobs/reports.py', source)
    const { status, stderr } = cli('types', 'jobs')
    expect(status).toBe(1)
    expect(stderr).toMatch(told)
  })

  test('a folder without Python says so', () => {
    expect(cli('types', 'nowhere').stderr).toContain('there is no Python module in')
  })

  test('helpers, packages and tests: only what has jobs is declared', () => {
    write('jobs/helpers.py', 'ANSWER = 42\n')
    write('jobs/test_reports.py', 'raise AssertionError\n')
    write('jobs/billing/__init__.py', '')
    write('jobs/billing/invoices.py', REPORTS.replaceAll('monthly_report', 'send_invoice'))
    expect(cli('types', 'jobs').status).toBe(0)
    expect(existsSync(join(folder, 'jobs/helpers.py.d.ts'))).toBe(false)
    expect(existsSync(join(folder, 'jobs/test_reports.py.d.ts'))).toBe(false)
    expect(read('jobs/billing/invoices.py.d.ts')).toContain('sendInvoice')
  })
})

describe('build', () => {
  test('writes a folder that names all it needs, and the same twice', () => {
    expect(cli('build', 'jobs', '--out', 'out', '--refs', 'src').status).toBe(0)
    const manifest = JSON.parse(read('out/manifest.json'))
    expect(manifest.modules).toEqual(['reports'])
    for (const { url } of manifest.archives) expect(existsSync(join(folder, 'out', url))).toBe(true)
    expect(existsSync(join(folder, 'out', manifest.pyodide.base, 'pyodide.asm.wasm'))).toBe(true)
    expect(read('out/jobs/reports.js')).toContain("defineJobRef('monthly-report')")
    expect(read('src/reports.ts')).toContain(
      "defineJobRef<'monthly-report', string, string[]>('monthly-report')",
    )
    const before = read('out/manifest.json')
    expect(cli('build', 'jobs', '--out', 'out').stdout).toContain('0 files written')
    expect(read('out/manifest.json')).toBe(before)
  })

  test('removes what it wrote before, and nothing else', () => {
    cli('build', 'jobs', '--out', 'out')
    write('out/own.txt', 'mine')
    rmSync(join(folder, 'jobs/reports.py'))
    write('jobs/invoices.py', REPORTS)
    cli('build', 'jobs', '--out', 'out')
    expect(existsSync(join(folder, 'out/jobs/reports.js'))).toBe(false)
    expect(existsSync(join(folder, 'out/jobs/invoices.js'))).toBe(true)
    expect(read('out/own.txt')).toBe('mine')
  })

  test('wants to know where', () => {
    expect(cli('build', 'jobs').stderr).toContain('--out')
    expect(cli('build').stderr).toContain('one folder')
    expect(cli('build', 'jobs', '--ot', 'x').stderr).toContain('--ot')
    expect(cli('bild')).toMatchObject({ status: 2 })
  })
})

describe('packages', () => {
  test('are found, pinned, vendored, and then asked for by name and hash alone', () => {
    write('jobs/reports.py', REPORTS.replace('return [month]', 'import pypdf; return [month]'))
    const built = cli('build', 'jobs', '--out', 'out', '--package', 'pypdf==5.9.0')
    expect(built).toMatchObject({ status: 0 })
    const lock = JSON.parse(read('durably.lock.json'))
    expect(lock.packages).toMatchObject([{ name: 'pypdf', version: '5.9.0' }])
    expect(read('durably.lock.json')).not.toContain('://')
    const { archives } = JSON.parse(read('out/manifest.json'))
    expect(archives).toContainEqual({
      url: `wheels/${lock.packages[0].file}`,
      format: 'wheel',
      sha256: lock.packages[0].sha256,
    })
    // Kept beside the app: with the index gone the build is the same.
    const again = cli(
      'build',
      'jobs',
      '--out',
      'out',
      '--package',
      'pypdf==5.9.0',
      '--index',
      'http://localhost:9',
    )
    expect(again.stdout).toContain('0 files written')
  })

  test('a file that is not the one that is pinned is refused', async () => {
    const pin = {
      name: 'thing',
      version: '1.0',
      file: 'thing-1.0-py3-none-any.whl',
      sha256: 'a'.repeat(64),
    }
    const lock = {
      requirements: ['thing==1.0'],
      target: 'cp314-pyemscripten_2026_0',
      packages: [pin],
    }
    write('durably.lock.json', JSON.stringify(lock))
    const index = await serveIndex(pin.file)
    const { status, stderr } = await cliBeside(
      'types',
      'jobs',
      '--package',
      'thing==1.0',
      '--index',
      index,
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /thing-1\.0-py3-none-any\.whl is not the file that .* pins: its sha256 is/,
    )
  })

  test.each([
    ['torch', /packages cannot be had: Can't find a pure Python 3 wheel for 'torch'/],
    ['pydantic==1.10.0', /pydantic==1\.10\.0 is asked for, but the engine needs pydantic==2/],
  ])('%s is not to be had, in one sentence', (requirement, told) => {
    const { status, stderr } = cli('types', 'jobs', '--package', requirement)
    expect(status).toBe(1)
    expect(stderr).toMatch(told)
    expect(existsSync(join(folder, 'durably.lock.json'))).toBe(false)
  })

  test("one of Pyodide's own is looked for where the app says", () => {
    const { stderr } = cli(
      'types',
      'jobs',
      '--package',
      'numpy',
      '--distribution',
      'http://localhost:9/',
    )
    expect(stderr).toMatch(/http:\/\/localhost:9\/numpy-.*wasm32\.whl cannot be reached/)
  })

  test('a lock that is none says what to do', () => {
    write('durably.lock.json', '{}')
    const { stderr } = cli('types', 'jobs', '--package', 'pypdf==5.9.0')
    expect(stderr).toContain('is no lock of Python packages: remove it')
  })
})

describe('headers', () => {
  test('for Netlify are printed', () => {
    expect(cli('headers', '--netlify').stdout).toContain(
      'Cross-Origin-Opener-Policy = "same-origin"',
    )
  })

  test('for Vercel are put beside what is there, once', () => {
    write(
      'vercel.json',
      JSON.stringify({ cleanUrls: true, headers: [{ source: '/x', headers: [] }] }),
    )
    cli('headers', '--vercel')
    const once = read('vercel.json')
    cli('headers', '--vercel')
    expect(read('vercel.json')).toBe(once)
    const { cleanUrls, headers } = JSON.parse(once)
    expect(cleanUrls).toBe(true)
    expect(headers.map(({ source }: { source: string }) => source)).toEqual([
      ...['/x', '/(.*)', '/', '/index.html', '/sw.js', '/assets/(.*)'],
    ])
  })

  test('have a policy when that is asked for', () => {
    expect(cli('headers', '--netlify').stdout).not.toContain('Content-Security-Policy')
    expect(cli('headers', '--netlify', '--csp').stdout).toContain(
      "script-src 'self' 'wasm-unsafe-eval'",
    )
  })
})

/** An index whose only file holds something else than it should. */
async function serveIndex(file: string): Promise<string> {
  server = createServer((request, response) => {
    if (request.url?.endsWith('.whl')) return response.end('rubbish')
    response.setHeader('Content-Type', 'text/html')
    response.end(`<a href="/files/${file}#sha256=x">${file}</a>`)
  })
  await new Promise<void>((resolve) => server?.listen(0, resolve))
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

/** With this process left free to answer. */
async function cliBeside(...args: readonly string[]) {
  const { spawn } = await import('node:child_process')
  const child = spawn(process.execPath, [CLI, ...args], { cwd: folder })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { status, stderr }
}
