"""The Store on PostgreSQL."""

from durably.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
