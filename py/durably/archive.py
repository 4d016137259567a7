"""A whole store as one file: export it while jobs run, put it in the place of another, empty it."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from durably.errors import ImportRefusedError, ValidationError
from durably.store.sqlite import archive as sqlite_archive
from durably.threads import IN_BROWSER

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from durably.blobs import BlobFiles
    from durably.store.protocol import Store

P = ParamSpec("P")
T = TypeVar("T")


async def export_store(store: Store, blobs: BlobFiles, path: Path) -> None:
    """Write all runs, and the files they refer to, to the new SQLite file *path*."""
    await _aside(_require_free, path)
    try:
        await store.copy_to(str(path))
        await _aside(sqlite_archive.add_files, path, blobs.present(await store.blobs_in_use()))
    except BaseException:
        await _aside(path.unlink, missing_ok=True)
        raise


async def import_store(
    store: Store,
    blobs: BlobFiles,
    path: Path,
    paused: Callable[[], AbstractAsyncContextManager[None]],
) -> None:
    """Put what *path* holds in the place of all runs; nothing changes unless it is sound.

    The change is one transaction, made while the engine is *paused*: a crash leaves the old store
    or the new one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "import.sqlite3"
        try:
            await _aside(shutil.copyfile, path, copy)
        except OSError as error:
            msg = f"the file {str(path)!r} cannot be read: {error}"
            raise ImportRefusedError(msg) from error
        await _aside(sqlite_archive.check, copy)
        # Files first: one without a run is swept later, a run without its file could not go on.
        for name in await _aside(sqlite_archive.names_in, copy):
            await _keep(blobs, name, await _aside(sqlite_archive.bytes_in, copy, name))
        async with paused():
            await store.replace_with(copy)
            blobs.keep_only(await store.blobs_in_use())
            await store.checkpoint()


async def reset_store(
    store: Store, blobs: BlobFiles, paused: Callable[[], AbstractAsyncContextManager[None]]
) -> None:
    """Remove all runs and kept files."""
    with tempfile.TemporaryDirectory() as scratch:
        empty = Path(scratch) / "empty.sqlite3"
        await _aside(sqlite_archive.make_empty, empty)
        async with paused():
            await store.replace_with(empty)
            blobs.keep_only(frozenset())
            await store.checkpoint()


def _require_free(path: Path) -> None:
    if path.exists():
        msg = f"there is a file at {str(path)!r} already; export to a new one"
        raise ValidationError(msg)


async def _keep(blobs: BlobFiles, name: str, content: bytes) -> None:
    while True:
        try:
            kept = await _aside(blobs.keep, io.BytesIO(content))
        except BlockingIOError:  # the browser needs a moment to make another file
            await asyncio.sleep(0.01)
            continue
        if kept is not None and kept.sha256 != name:
            msg = f"the file {name} in it is damaged"
            raise ImportRefusedError(msg)
        return


async def _aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do blocking work on a thread where there are any."""
    if IN_BROWSER:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
