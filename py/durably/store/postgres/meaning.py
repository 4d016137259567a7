"""What an error of PostgreSQL, or of the way to it, means to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from durably.errors import (
    StorageBusyError,
    StorageDeniedError,
    StorageError,
    StorageFullError,
    StorageUnreachableError,
    StorageUnreadableError,
    ValidationError,
)

if TYPE_CHECKING:
    from durably.errors import DurablyError

#: By the SQLSTATE, or its class: the kind of error, and what it says.
_MEANINGS: dict[str, tuple[type[StorageError], str]] = {
    "28": (StorageDeniedError, "the database refuses this user or password"),
    "3D": (StorageDeniedError, "there is no such database; create it, or correct the URL"),
    "42501": (StorageDeniedError, "this user of the database lacks a right"),
    "42P01": (StorageUnreadableError, "the tables are not there; call migrate() first"),
    "42703": (StorageUnreadableError, "the tables lack a column; call migrate() first"),
    "3F": (StorageUnreadableError, "the schema is not there; call migrate() first"),
    "25006": (StorageUnreachableError, "the server takes no writes, as a standby does"),
    "53100": (StorageFullError, "there is no space left for the database"),
    "53": (StorageBusyError, "the server lacks resources, such as connections"),
    "40": (StorageBusyError, "another transaction stood in the way"),
    "55": (StorageBusyError, "another transaction holds a lock"),
    "57014": (StorageBusyError, "the server gave up a statement that took too long"),
    "57P": (StorageUnreachableError, "the server is stopping or starting"),
    "08": (StorageUnreachableError, "the connection to the database was lost"),
    "58": (StorageError, "the server could not read or write its files"),
    "XX": (StorageUnreadableError, "the server found its data damaged"),
}
#: Aborted by another transaction, with nothing done: the same again may succeed at once.
TRANSIENT = frozenset({"40001", "40P01"})

#: Words of the server or of libpq that come without a SQLSTATE, from before a session begins.
_WORDS = (
    ("password", "28"),
    ("no pg_hba.conf entry", "28"),
    ("role", "28"),
    ("database", "3D"),
)


def meaning_of(error: Exception) -> DurablyError:
    """Return what an error of a call of PostgreSQL means."""
    said = " ".join(str(error).split())
    if isinstance(error, UnicodeError) or (
        isinstance(error, (psycopg.DataError, psycopg.IntegrityError)) and not _is_of_server(error)
    ):
        if isinstance(error, UnicodeError) or error.sqlstate in {None, "22003"}:
            msg = f"numbers have at most 64 bits and text no lone surrogates or NULs ({said})"
        else:
            msg = f"a value cannot be stored: the database does not take it ({said})"
        return ValidationError(msg)
    state = getattr(error, "sqlstate", None) or _state_in(said)
    for length in (5, 3, 2):
        if (found := _MEANINGS.get(state[:length])) is not None:
            kind, sentence = found
            return kind(f"{sentence} ({said})")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, OSError)):
        return StorageUnreachableError(f"the database cannot be reached ({said})")
    return StorageError(f"the database could not be read or written ({said})")


def _is_of_server(error: psycopg.Error) -> bool:
    """Tell whether an error of this class is not one of the values that were given."""
    return (error.sqlstate or "22000")[:2] not in {"22", "23", "54"}


def _state_in(said: str) -> str:
    """Find out why no session began: libpq hands on what the server said as text."""
    if "FATAL:" not in said and "password" not in said:
        return ""
    if "starting up" in said or "shutting down" in said:
        return "57P"
    if "too many" in said or "remaining connection slots" in said:
        return "53"
    return next((state for word, state in _WORDS if word in said), "")
