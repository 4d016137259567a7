"""Stores: where runs are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.arguments import checked_text
from durably.errors import ValidationError
from durably.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from durably.store.protocol import Store

_MEMORY = {"sqlite://", "sqlite:///:memory:", "sqlite://:memory:"}


def open_store(url: str) -> Store:
    """Open the store that *url* names: ``sqlite:///relative.db``, ``sqlite:////absolute.db``.

    ``sqlite://`` alone is a database in memory, gone with the process. Nothing is read or written
    before the first call.
    """
    if checked_text("a store's URL", url, may_be_empty=True) in _MEMORY:
        return SqliteStore(":memory:")
    prefix = "sqlite:///"
    if not url.startswith(prefix) or len(url) == len(prefix):
        msg = f"a store's URL looks like sqlite:///path/to/file.db, not {url!r}"
        raise ValidationError(msg)
    return SqliteStore(url.removeprefix(prefix))
