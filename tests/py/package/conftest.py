"""These tests read the whole repository, of which Pyodide sees a part; it does not import them."""

import sys

collect_ignore_glob = ["test_*.py"] if sys.platform == "emscripten" else []
