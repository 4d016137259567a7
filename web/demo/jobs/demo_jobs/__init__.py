"""The demo app's jobs and queries. The same package runs in the browser and on a server."""

from demo_jobs.cleaning import clean_table
from demo_jobs.dropping import drop_table
from demo_jobs.importing import import_csv
from demo_jobs.joining import join_tables
from demo_jobs.queries import check_tables, journal, refused_rows, rows

# Not under its own name: that is the name of a module here.
from demo_jobs.queries import tables as list_tables
from demo_jobs.reporting import make_report
from demo_jobs.syncing import sync_source
from demo_jobs.workouts import chance, compute, hang, leave, steps, upper

__all__ = [
    "chance",
    "check_tables",
    "clean_table",
    "compute",
    "drop_table",
    "hang",
    "import_csv",
    "join_tables",
    "journal",
    "leave",
    "list_tables",
    "make_report",
    "refused_rows",
    "rows",
    "steps",
    "sync_source",
    "upper",
]
