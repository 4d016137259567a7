"""Plugins that come with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably.app import Durably


class LogPersistence:
    """Stores every log line beside its run, so that a later reader sees it."""

    name = "log-persistence"

    def install(self, durably: Durably) -> None:
        """Store log lines from now on."""
        durably.keep_logs()


def log_persistence() -> LogPersistence:
    """Return the plugin that stores log lines: ``durably.use(log_persistence())``."""
    return LogPersistence()
