"""The demo app's jobs and queries. The same package runs in the browser and on a server."""

from demo_jobs.importing import import_csv
from demo_jobs.queries import check_tables, journal, refused_rows, rows
from demo_jobs.workouts import chance, compute, hang, leave, steps, upper

__all__ = [
    "chance",
    "check_tables",
    "compute",
    "hang",
    "import_csv",
    "journal",
    "leave",
    "refused_rows",
    "rows",
    "steps",
    "upper",
]
