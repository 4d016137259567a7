"""Every store that the package ships runs one suite; a new store is a new row of BACKENDS."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from durably import open_store
from durably.store.protocol import Store

#: Stores by name: a URL, and whether a second connection to it sees the same runs.
BACKENDS = {"file": "sqlite:///{folder}/store.db", "memory": "sqlite://"}
SHARED = ("file",)

Open = Callable[[], Store]


def _opener(name: str, folder: Path) -> Open:
    return lambda: open_store(BACKENDS[name].format(folder=folder))


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Return an open store with its tables."""
    opened = _opener(request.param, tmp_path)()
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture(params=SHARED)
def open_shared(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return how to open one more connection to the same, still empty, database."""
    return _opener(request.param, tmp_path)


@pytest.fixture
async def pair(open_shared: Open) -> AsyncIterator[tuple[Store, Store]]:
    """Return two connections to one store."""
    first, second = open_shared(), open_shared()
    await first.migrate()
    yield first, second
    await first.close()
    await second.close()
