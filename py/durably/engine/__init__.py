"""The engine: claims runs, executes them, and keeps their leases."""
