"""Stores: where runs are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.arguments import checked_text
from durably.errors import MissingExtraError, ValidationError
from durably.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from durably.store.protocol import Store

_POSTGRES = ("postgresql://", "postgres://")
_MEMORY = {"sqlite://", "sqlite:///:memory:", "sqlite://:memory:"}


def open_store(url: str) -> Store:
    """Open the store that *url* names: ``sqlite:///relative.db``, ``sqlite:////absolute.db``.

    ``sqlite://`` alone is a database in memory, gone with the process. ``postgresql://host/name``
    is a PostgreSQL database; PostgresStore has its options. Nothing is read or written before the
    first call. MissingExtraError when PostgreSQL's libraries are not installed.
    """
    if checked_text("a store's URL", url, may_be_empty=True) in _MEMORY:
        return SqliteStore(":memory:")
    if url.startswith(_POSTGRES):
        return _open_postgres(url)
    prefix = "sqlite:///"
    if not url.startswith(prefix) or len(url) == len(prefix):
        msg = (
            "a store's URL looks like sqlite:///path/to/file.db or postgresql://host/name, "
            f"not {url!r}"
        )
        raise ValidationError(msg)
    return SqliteStore(url.removeprefix(prefix))


def _open_postgres(url: str) -> Store:
    try:
        from durably.store.postgres import PostgresStore  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        what = "a store on PostgreSQL"
        raise MissingExtraError(what, "postgres") from error
    return PostgresStore(url)
