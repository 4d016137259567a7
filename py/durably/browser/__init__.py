"""Pyodide's side of the browser host."""
