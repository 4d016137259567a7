"""Every store that the package ships runs one suite; a new store is a new row of BACKENDS."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from durably import open_store
from durably.store.protocol import Store
from durably.threads import IN_BROWSER

Open = Callable[[], Store]


@contextmanager
def file(folder: Path) -> Iterator[Open]:
    """Open a file of SQLite."""
    yield lambda: open_store(f"sqlite:///{folder}/store.db")


@contextmanager
def memory(folder: Path) -> Iterator[Open]:
    """Open a SQLite database in memory, each a new one."""
    yield lambda: open_store("sqlite://")


@contextmanager
def postgres(folder: Path) -> Iterator[Open]:
    """Open a database of PostgreSQL, with the time that a test says it is."""
    from durably.store.postgres import PostgresStore  # noqa: PLC0415 - not there in Pyodide
    from kit.postgres import new_database  # noqa: PLC0415

    with new_database() as url:
        yield lambda: PostgresStore(url, clock="caller")


#: Stores by name.
BACKENDS = {backend.__name__: backend for backend in (file, memory, postgres)}
if IN_BROWSER:
    del BACKENDS["postgres"]
#: Those of which a second connection sees the same runs.
SHARED = [name for name in BACKENDS if name != "memory"]


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open store with its tables."""
    with BACKENDS[request.param](tmp_path) as open_it:
        opened = open_it()
        await opened.migrate()
        yield opened
        await opened.close()


@pytest.fixture(params=SHARED)
def open_shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Return how to open one more connection to the same, still empty, database."""
    with BACKENDS[request.param](tmp_path) as open_it:
        yield open_it


@pytest.fixture
async def pair(open_shared: Open) -> AsyncIterator[tuple[Store, Store]]:
    """Return two connections to one store."""
    first, second = open_shared(), open_shared()
    await first.migrate()
    yield first, second
    await first.close()
    await second.close()
