"""SQL for PostgreSQL."""
