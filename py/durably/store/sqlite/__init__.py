"""The Store on SQLite."""

from durably.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
