"""Every store that the package ships runs one suite; a new store is a new row of BACKENDS."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from durably.store.protocol import Store
from kit.backends import BACKENDS, SHARED, Open


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
