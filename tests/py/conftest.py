"""What every test may ask for."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from durably.testing import FakeClock
from kit.engines import Workshop

# No test judges how long something takes: a busy machine is no failure.
settings.register_profile("durably", deadline=None)
settings.load_profile("durably")


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that only the test moves."""
    return FakeClock()


@pytest.fixture
async def shop(clock: FakeClock) -> AsyncIterator[Workshop]:
    """Return a workshop over a store in memory; all it made ends with the test."""
    made = Workshop(clock=clock)
    yield made
    await made.close()
