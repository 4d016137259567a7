"""Every store that the package ships: what tests of all stores are bound to."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def many_in_postgres() -> Iterator[Open]:
    """Open a new, empty store with each call: a schema of its own in one database."""
    from durably.store.postgres import PostgresStore  # noqa: PLC0415 - not there in Pyodide
    from kit.postgres import new_database  # noqa: PLC0415

    numbers = itertools.count()
    with new_database() as url:
        yield lambda: PostgresStore(url, clock="caller", schema=f"store {next(numbers)}")


@contextmanager
def many_in_memory() -> Iterator[Open]:
    """Open a new, empty store with each call."""
    yield lambda: open_store("sqlite://")


#: How to open any number of empty stores, by the name of the database.
MANY = (
    {"memory": many_in_memory}
    if IN_BROWSER
    else {"memory": many_in_memory, "postgres": many_in_postgres}
)
