"""Durable, resumable jobs: each step's result is saved, and a job goes on where it stopped."""

from durably.app import Durably, Plugin
from durably.blobs import Blob
from durably.clock import Clock, SystemClock
from durably.engine.context import Step, StepLog, SyncStep
from durably.enqueue import Triggered, TriggerOptions
from durably.errors import (
    Cancelled,
    ConflictError,
    DuplicateStepError,
    DurablyError,
    LeaseLost,
    NotFoundError,
    NotSerializableError,
    Problem,
    RecoveryLimitError,
    ReplayError,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    RunSignal,
    SchemaTooNewError,
    StepTimeoutError,
    StoppedError,
    StorageBusyError,
    StorageError,
    StorageFullError,
    StorageUnreadableError,
    Suspended,
    UnknownJobError,
    UnknownQueryError,
    ValidationError,
    WaitTimeoutError,
)
from durably.events import Event, is_domain_event
from durably.following import Snapshot
from durably.handles import Ended, JobHandle
from durably.health import Health
from durably.jobs import JobDefinition, define_job, job
from durably.plugins import log_persistence
from durably.queries import Query, query
from durably.retry import GiveUp, Retry, RetryAfter
from durably.runs import (
    AttemptStatus,
    Disposition,
    Failure,
    LogLevel,
    LogRecord,
    Progress,
    Run,
    RunFilter,
    RunStatus,
    StepAttempt,
    StepRecord,
    StepStatus,
)
from durably.store import open_store
from durably.store.protocol import Store
from durably.store.sqlite import SqliteStore

__all__ = [
    "AttemptStatus",
    "Blob",
    "Cancelled",
    "Clock",
    "ConflictError",
    "Disposition",
    "DuplicateStepError",
    "Durably",
    "DurablyError",
    "Ended",
    "Event",
    "Failure",
    "GiveUp",
    "Health",
    "JobDefinition",
    "JobHandle",
    "LeaseLost",
    "LogLevel",
    "LogRecord",
    "NotFoundError",
    "NotSerializableError",
    "Plugin",
    "Problem",
    "Progress",
    "Query",
    "RecoveryLimitError",
    "ReplayError",
    "Retry",
    "RetryAfter",
    "Run",
    "RunCancelledError",
    "RunFailedError",
    "RunFilter",
    "RunNotFoundError",
    "RunSignal",
    "RunStatus",
    "SchemaTooNewError",
    "Snapshot",
    "SqliteStore",
    "Step",
    "StepAttempt",
    "StepLog",
    "StepRecord",
    "StepStatus",
    "StepTimeoutError",
    "StoppedError",
    "StorageBusyError",
    "StorageError",
    "StorageFullError",
    "StorageUnreadableError",
    "Store",
    "Suspended",
    "SyncStep",
    "SystemClock",
    "TriggerOptions",
    "Triggered",
    "UnknownJobError",
    "UnknownQueryError",
    "ValidationError",
    "WaitTimeoutError",
    "define_job",
    "is_domain_event",
    "job",
    "log_persistence",
    "open_store",
    "query",
]
