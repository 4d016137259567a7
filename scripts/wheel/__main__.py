"""Build both into dist/python; with ``--test`` run the tests against the wheel, too.

What follows ``--test`` goes to pytest.
"""

import sys
import tempfile
from pathlib import Path

from scripts.wheel.build import ROOT, build
from scripts.wheel.installed import copy_tests, install, run_tests

built = build(ROOT / "dist" / "python")
for file in built:
    sys.stdout.write(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes\n")
sys.stdout.flush()

if sys.argv[1:2] == ["--test"]:
    with tempfile.TemporaryDirectory() as folder:
        python = install(built.wheel, Path(folder) / "environment")
        copy_tests(Path(folder) / "tests")
        sys.exit(run_tests(python, Path(folder) / "tests", *sys.argv[2:]).returncode)
