import type { PyodideInterface } from 'pyodide'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryOpfs } from '../support/memory-opfs'
import { type Mounted, mount, startPython } from '../support/python'

const FIXED = ['app.sqlite3', 'app.sqlite3-journal', 'app.sqlite3-wal']

/** What the laws are tried with, in Python: each function takes text and returns text. */
const SOURCE = `
import errno, hashlib, os, sqlite3, tempfile

def connect(path, mode):
    connection = sqlite3.connect(f"file:{path}?vfs=unix-excl", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={mode}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER)")
    return connection

def insert(path, mode, rows):
    connection = connect(path, mode)
    for n in range(rows):
        connection.execute("INSERT INTO t VALUES (?)", (n,))
    return connection

def fill(path, mode):
    insert(path, mode, 20).close()

def plain(path):
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO t VALUES (0)")
    connection.close()

def count(path, mode):
    connection = connect(path, mode)
    (check,) = connection.execute("PRAGMA integrity_check").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM t").fetchone()
    connection.close()
    return f"{check} {rows}"

def commit(connection):
    connection.execute("INSERT INTO t VALUES (0)")

def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()

def write(path, text, mode="w"):
    with open(path, mode, encoding="utf-8") as file:
        file.write(text)

def anonymous(folder):
    with tempfile.TemporaryFile("w+", dir=folder) as file:
        file.write("kept while it is open")
        file.seek(0)
        return file.read() + str(sorted(os.listdir(folder)))

def replace(path, text):
    write(path + ".tmp", text)
    os.replace(path + ".tmp", path)

def errno_of(name, *args):
    try:
        globals()[name](*args)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"

def sqlite_error(connection):
    try:
        commit(connection)
    except sqlite3.Error as error:
        return error.sqlite_errorname
    return "none"

def roll_back(connection):
    if connection.in_transaction:
        connection.execute("ROLLBACK")

def keep(folder, text):
    """As durably.blobs.keep_file does it."""
    name = hashlib.sha256(text.encode()).hexdigest()
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            try:
                file.close()
            except OSError:
                pass
            os.remove(file.name)
            raise
    if os.path.exists(f"{folder}/{name}"):
        os.remove(file.name)
    else:
        os.replace(file.name, f"{folder}/{name}")
    return name

def outgrow_cache(connection):
    """Write so much in one transaction that SQLite's cache spills into the log; leave it open."""
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA cache_size=-500")
    connection.execute("CREATE TABLE IF NOT EXISTS big (x TEXT)")
    for kept in (True, False):  # the first makes the log as long as the second needs it
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO big VALUES (?)", [("x" * 3000,)] * 700)
        if kept:
            connection.execute("COMMIT")
            connection.execute("DELETE FROM big")
            connection.execute("PRAGMA wal_checkpoint(RESTART)")

def end_transaction(connection):
    try:
        connection.execute("INSERT INTO big VALUES ('last')")
        connection.execute("COMMIT")
    except sqlite3.Error:
        roll_back(connection)
        return "rolled back"
    return "committed"

def read_bytes(path):
    with open(path, "rb") as file:
        return len(file.read())

def stat(path): os.stat(path)
def foreign(folder): write(os.fsdecode(folder.encode() + b"/\\xed\\xa0\\x80"), "")
def big(path):
    connection = connect(path, "wal")
    (check,) = connection.execute("PRAGMA integrity_check").fetchone()
    (rows,) = connection.execute("SELECT count(*) FROM big").fetchone()
    connection.close()
    return f"{check} {rows}"

def mkdir(path): os.mkdir(path)
def remove(path): os.remove(path)
def rename(a, b): os.rename(a, b)
`

describe('Python on the mounted file system', () => {
  let python: PyodideInterface
  let opfs: MemoryOpfs
  let mounted: Mounted

  const call = (name: string, ...args: unknown[]) => python.globals.get(name)(...args)

  beforeAll(async () => {
    python = await startPython()
    python.runPython(SOURCE)
  }, 60_000)

  beforeEach(async () => {
    opfs = new MemoryOpfs()
    mounted = await mount(python, opfs, '/store', { fixed: FIXED })
  })

  afterEach(() => {
    opfs.onChange = () => {}
    mounted.unmount()
    expect(opfs.open).toBe(0)
  })

  /** Lose power, keep what was flushed, mount again. */
  async function crash(): Promise<void> {
    const next = opfs.crash()
    mounted.unmount()
    opfs = next
    mounted = await mount(python, opfs, '/store', { fixed: FIXED })
  }

  test('law 1: one commit in WAL mode with synchronous=FULL is one flush', () => {
    const connection = call('insert', '/store/app.sqlite3', 'wal', 1)
    for (let n = 0; n < 10; n += 1) {
      const before = mounted.fs.flushes
      call('commit', connection)
      expect(mounted.fs.flushes - before).toBe(1)
    }
    connection.close()
    connection.destroy()
  })

  test.each(['wal', 'delete', 'truncate', 'persist'])(
    'law 1: what was committed to the database in mode %s is there after a crash',
    async (mode) => {
      const connection = call('insert', '/store/app.sqlite3', mode, 20)
      await crash()

      expect(call('count', '/store/app.sqlite3', mode)).toBe('ok 20')
      connection.destroy()
    },
  )

  test.each(['wal', 'delete'])(
    'so it is for a database of the job itself, in mode %s',
    async (mode) => {
      call('fill', '/store/own.db', mode)
      await mounted.disk.settle()
      const connection = call('insert', '/store/own.db', mode, 20)
      await crash()

      expect(call('count', '/store/own.db', mode)).toBe('ok 40')
      expect([...opfs.tree().keys()]).toContain('own.db')
      connection.destroy()
    },
  )

  test('a rollback journal needs no option', () => {
    call('fill', '/store/own.db', 'delete')

    call('plain', '/store/own.db')

    expect(call('count', '/store/own.db', 'delete')).toBe('ok 21')
  })

  test('a file that is removed while it is open can be used until it is closed', () => {
    expect(call('anonymous', '/store')).toBe("kept while it is open['blobs']")
  })

  test('os.replace leaves the old text or the new one, whenever the power goes', async () => {
    call('write', '/store/config', 'old')
    await mounted.disk.settle()

    call('replace', '/store/config', 'new')
    call('write', '/store/config', ' and more', 'a')
    expect(call('read', '/store/config')).toBe('new and more')
  })

  test('errors are errnos: no exception of the browser crosses C', () => {
    call('write', '/store/x', 'x')
    opfs.onChange = (what) => {
      throw new DOMException('injected', what.startsWith('write') ? 'QuotaExceededError' : 'Error')
    }

    expect(call('errno_of', 'write', '/store/x', 'y')).toBe('EIO')
    expect(call('errno_of', 'write', '/store/x', 'y', 'a')).toBe('ENOSPC')
    expect(call('errno_of', 'write', '/store/new', 'y')).toBe('ENOSPC')
    expect(call('errno_of', 'mkdir', '/store/d')).toBe('ENOSPC')
    expect(call('errno_of', 'remove', '/store/x')).toBe('ENOSPC')
    expect(mounted.faults.length).toBeGreaterThan(0)
  })

  test('more new files than there are spares are refused until the loop turns', async () => {
    const names = Array.from({ length: 17 }, (_, n) => `/store/f${n}`)

    expect(names.map((name) => call('errno_of', 'write', name, 'x')).at(-1)).toBe('EAGAIN')
    await mounted.disk.settle()
    expect(call('errno_of', 'write', '/store/f16', 'x')).toBe('none')
  })

  test('a long name, a name that is taken and a link are refused', () => {
    expect(call('errno_of', 'write', `/store/${'x'.repeat(256)}`, '')).toBe('ENAMETOOLONG')
    expect(call('errno_of', 'write', '/store/.durably', '')).toBe('EPERM')
    call('write', '/store/app.sqlite3', '')
    expect(call('errno_of', 'rename', '/store/app.sqlite3', '/store/y')).toBe('EPERM')
  })

  test('a name that no browser could keep is refused, as are those of the engine', async () => {
    const connection = call('insert', '/store/app.sqlite3', 'wal', 1)
    call('write', '/store/x', '')
    call('mkdir', '/store/d')

    for (const name of ['C:\\fakepath\\x.csv', '\\']) {
      expect(call('errno_of', 'write', `/store/${name}`, '')).toBe('EINVAL')
      expect(call('errno_of', 'mkdir', `/store/${name}`)).toBe('EINVAL')
      expect(call('errno_of', 'rename', '/store/x', `/store/${name}`)).toBe('EINVAL')
    }
    // Bytes of another encoding, and a NUL, which only JavaScript can give.
    expect(call('errno_of', 'foreign', '/store')).toBe('EINVAL')
    expect(() => mounted.FS.writeFile('/store/a\0b', '')).toThrow()
    for (const name of ['app.sqlite3-journal', 'blobs', '.durably']) {
      expect(call('errno_of', 'rename', '/store/d', `/store/${name}`)).toBe('EPERM')
    }
    expect(call('errno_of', 'mkdir', '/store/app.sqlite3-journal')).toBe('EPERM')
    connection.close()
    connection.destroy()

    await crash()
    expect(mounted.FS.readdir('/store').sort()).toEqual(
      ['.', '..', 'app.sqlite3', 'blobs', 'd', 'x'].sort(),
    )
  })

  test('law 9: SQLite says full at once where the log may not grow', () => {
    const connection = call('insert', '/store/app.sqlite3', 'wal', 1)
    opfs.quota = opfs.used
    let said = 'none'
    for (let commit = 0; said === 'none' && commit < 1_000; commit++) {
      said = call('sqlite_error', connection)
    }
    expect(said).toBe('SQLITE_FULL')
    call('roll_back', connection)

    opfs.quota = Number.POSITIVE_INFINITY
    expect(call('sqlite_error', connection)).toBe('none')
    connection.close()
    connection.destroy()
  })

  test('law 9: SQLite says full or I/O error, and goes on when the fault is over', () => {
    const connection = call('insert', '/store/app.sqlite3', 'wal', 1)
    for (const [name, code] of [
      ['QuotaExceededError', 'SQLITE_FULL'],
      ['UnknownError', 'SQLITE_IOERR_WRITE'],
    ] as const) {
      opfs.onChange = (what) => {
        if (what.startsWith('write')) throw new DOMException('injected', name)
      }
      // The log's bytes are joined until its flush, of which SQLite does not tell why it failed.
      expect(call('sqlite_error', connection)).toBe('SQLITE_IOERR_FSYNC')
      call('roll_back', connection)
      expect(call('sqlite_error', connection)).toBe(code)
      opfs.onChange = () => {}
      call('roll_back', connection)
      expect(call('sqlite_error', connection)).toBe('none')
    }
    connection.close()
    connection.destroy()
    expect(call('count', '/store/app.sqlite3', 'wal')).toBe('ok 3')
  })

  test.each(['a file of its own', "the engine's log"])(
    'law 1: a job that looks at %s hides no lost write from SQLite',
    async (what) => {
      call('write', '/store/own.txt', 'x')
      const connection = call('insert', '/store/app.sqlite3', 'wal', 1)
      call('outgrow_cache', connection)
      const own = what === 'a file of its own'
      let failed = 0
      opfs.onChange = (change) => {
        if (change !== 'write app.sqlite3-wal' || failed > 0) return
        failed += 1
        throw new DOMException('injected', 'QuotaExceededError')
      }

      const path = own ? '/store/own.txt' : '/store/app.sqlite3-wal'
      expect(call('errno_of', 'stat', path)).toBe('none')
      // Only the one who reads the log itself is told: what is held is part of it.
      expect(call('errno_of', 'read_bytes', path)).toBe(own ? 'none' : 'ENOSPC')
      const end = call('end_transaction', connection)

      expect(failed).toBe(1)
      expect(end).toBe(own ? 'rolled back' : 'committed')
      await crash()
      expect(call('big', '/store/app.sqlite3')).toBe(own ? 'ok 0' : 'ok 701')
      connection.destroy()
    },
  )

  test('a blob is a plain file as soon as it was put, and cannot be changed', async () => {
    const ref = await mounted.blobs.put(new Blob(['héllo\n'.repeat(300_000)]), 'x')
    const path = `/store/blobs/${ref.sha256}`

    expect(call('read', path)).toBe('héllo\n'.repeat(300_000))
    expect(call('errno_of', 'write', path, 'x')).toBe('EACCES')
    expect(call('errno_of', 'write', `/store/blobs/${'0'.repeat(64)}`, 'x')).toBe('EPERM')
    expect(call('errno_of', 'rename', path, '/store/blobs/other')).toBe('EPERM')
    expect(call('errno_of', 'rename', path, '/store/other')).toBe('EPERM')
    expect(call('errno_of', 'read', '/store/blobs/none')).toBe('ENOENT')
    call('remove', path)
    expect(call('errno_of', 'read', path)).toBe('ENOENT')
    await mounted.blobs.settle()
    expect([...opfs.tree().keys()].filter((name) => name.includes(ref.sha256))).toEqual([])
  })

  test('law 1: a file that Python keeps is a blob at once, and after a loss of power', async () => {
    await mounted.blobs.settle()
    const text = 'made in Python\n'.repeat(100_000)

    const name = call('keep', '/store/blobs', text)
    expect(call('read', `/store/blobs/${name}`)).toBe(text)
    const crashed = opfs.crash()
    await mounted.blobs.settle()

    expect(call('read', `/store/blobs/${name}`)).toBe(text)
    expect(call('errno_of', 'write', `/store/blobs/${name}`, 'x')).toBe('EACCES')
    expect([...opfs.tree().keys()]).toContain(`blobs/${name}`)
    mounted.unmount()
    opfs = crashed
    // It needs no room to be found again.
    opfs.quota = opfs.used
    mounted = await mount(python, opfs, '/store', { fixed: FIXED })
    expect(call('read', `/store/blobs/${name}`)).toBe(text)
    expect([...mounted.blobs.names]).toEqual([name])
  })

  test('Python keeps as many files as there are spares, then more when the loop has turned', async () => {
    await mounted.blobs.settle()
    const kept = [call('keep', '/store/blobs', 'one'), call('keep', '/store/blobs', 'two')]
    expect(call('errno_of', 'keep', '/store/blobs', 'three')).toBe('EAGAIN')
    await mounted.blobs.settle()

    kept.push(call('keep', '/store/blobs', 'three'), call('keep', '/store/blobs', 'one'))

    expect(kept[3]).toBe(kept[0])
    await mounted.blobs.settle()
    expect(new Set(mounted.blobs.names)).toEqual(new Set(kept))
    expect(mounted.faults).toEqual([])
  })

  test('law 10: a file that Python makes on a full disk is ENOSPC, and fits when there is room', async () => {
    await mounted.blobs.settle()
    const text = 'x'.repeat(1_000_000)
    opfs.quota = 500_000
    expect(call('errno_of', 'keep', '/store/blobs', text)).toBe('ENOSPC')
    // It fits once, and not a second time under its name.
    opfs.quota = 1_500_000
    const name = call('keep', '/store/blobs', text)
    await mounted.blobs.settle()
    expect(mounted.faults).not.toEqual([])
    expect(call('read', `/store/blobs/${name}`)).toBe(text)
    call('keep', '/store/blobs', 'small')
    expect(call('errno_of', 'keep', '/store/blobs', 'more')).toBe('ENOSPC')

    opfs.quota = Number.POSITIVE_INFINITY
    await mounted.blobs.settle()
    call('keep', '/store/blobs', 'more')
    await mounted.blobs.settle()

    expect([...mounted.blobs.names]).toHaveLength(3)
    expect([...opfs.tree().keys()]).toContain(`blobs/${name}`)
  })
})
