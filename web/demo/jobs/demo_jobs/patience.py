"""How long the demo's jobs wait for a disk: as long as it takes."""

from __future__ import annotations

from demo_jobs.tables import StorageTrouble
from durably import Retry

#: A full disk costs time, never the run; anything else that a step raises ends it.
PATIENCE = Retry(max_attempts=1_000_000, backoff=1, factor=1, retry_on=(StorageTrouble,))
