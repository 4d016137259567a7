"""Start pytest inside Pyodide, on a loop that pytest can wait for."""

import asyncio
import os
import warnings
from collections.abc import Iterable

import pytest

_ARGUMENTS = [
    "-c",
    "py/pyproject.toml",
    "--rootdir",
    ".",
    "--capture=sys",  # file descriptors cannot be duplicated here
    "--color=no",
    "-m",
    "not cpython_only and not external",
    "-p",
    "no:cacheprovider",  # the repository is only read
    "-p",
    "no:faulthandler",
]


def main(folder: str, arguments: Iterable[str]) -> int:
    """Run pytest as if started in *folder*; return its exit code."""
    os.chdir(folder)
    with warnings.catch_warnings():
        # Policies end with Python 3.16; until then nothing else reaches `asyncio.run` in a test.
        warnings.simplefilter("ignore", DeprecationWarning)
        from blocking_loop import BlockingLoopPolicy  # noqa: PLC0415 - it warns when imported

        asyncio.set_event_loop_policy(BlockingLoopPolicy())  # type: ignore[deprecated]
    # Pyodide counts as being inside of its own loop at all times; a second loop would be refused.
    asyncio._set_running_loop(None)
    return int(pytest.main([*_ARGUMENTS, *arguments]))
