"""What is not collected in Pyodide."""

from durably.threads import IN_BROWSER

#: psycopg is not there.
collect_ignore = ["test_postgres.py"] if IN_BROWSER else []
