"""What the npm package is told of a folder of jobs, and of what is wrong in one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from durably.describe import describe

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "from pydantic import BaseModel\nfrom durably import Blob, Step, job, query\n"


def described(folder: Path, **sources: str) -> dict[str, Any]:
    """Write modules into *folder* and describe it."""
    for name, source in sources.items():
        path = folder / (name.replace("__dot__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + source)
    found: dict[str, Any] = json.loads(describe(str(folder)))
    return found


def test_a_job_is_told_with_its_types_and_its_line(tmp_path: Path) -> None:
    """Defaults are optional where they are given, and there where they are read."""
    source = '''
class Model(BaseModel):
    n: int = 3

@job(name="named")
async def plain(
    step: Step, input: Model
) -> Model:
    """Do it.

    And more.
    """
    return input

@query
def ask(page: int = 1) -> list[int]:
    return [page]

_hidden = 1
'''
    (module,) = described(tmp_path, reports=source)["modules"]
    assert module["name"] == "reports"
    assert module["file"] == "reports.py"
    plain, ask = module["exports"]
    assert plain["key"] == "named"
    assert plain["doc"] == "Do it.\n\nAnd more."
    assert plain["line"] == 8
    assert (plain["takesInput"], plain["hasDefault"]) == (True, False)
    assert module["$defs"]["Model-Output"]["required"] == ["n"]
    assert "required" not in module["$defs"]["Model-Input"]
    assert (ask["kind"], ask["key"], ask["hasDefault"]) == ("query", "ask", True)


def test_only_modules_with_jobs_are_told_and_tests_are_not_imported(tmp_path: Path) -> None:
    """Helpers are imported by those that need them."""
    job = "@job\nasync def one(step: Step) -> None: ...\n"
    found = described(
        tmp_path,
        helpers="ANSWER = 42\n",
        test_jobs="raise AssertionError\n",
        conftest="raise AssertionError\n",
        billing__dot____init__="",
        billing__dot__invoices="from helpers import ANSWER\n" + job,
    )
    assert [module["name"] for module in found["modules"]] == ["billing.invoices"]


def test_a_changed_module_is_imported_anew(tmp_path: Path) -> None:
    """As a dev server needs it."""
    job = "@job\nasync def {}(step: Step) -> None: ...\n"
    described(tmp_path, jobs=job.format("first_of_all"))
    (module,) = described(tmp_path, jobs=job.format("second"))["modules"]
    assert [one["name"] for one in module["exports"]] == ["second"]


def test_one_job_may_have_names_in_two_modules(tmp_path: Path) -> None:
    """Its line is that in its own file."""
    job = "@job\nasync def one(step: Step) -> None: ...\n"
    found = described(tmp_path, a=job, b="from a import one\n")
    assert [module["name"] for module in found["modules"]] == ["a", "b"]
    assert [module["exports"][0]["line"] for module in found["modules"]] == [4, 1]


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("def broken(:\n", "SyntaxError", 3),
        ("\nraise ValueError('no')\n", "ValueError", 4),
        ("import sys\nsys.exit(3)\n", "SystemExit", 4),
        ("import nowhere_to_be_found\n", "ModuleNotFoundError", 3),
        ("@job\nasync def odd(step: Step, x: open) -> None: ...\n", "ValidationError", 3),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, source: str, kind: str, line: int
) -> None:
    """Whatever a module raises when it is imported."""
    error = described(tmp_path, jobs=source)["error"]
    assert (error["file"], error["type"]) == ("jobs.py", kind)
    assert error["line"] == line
    assert "jobs.py" in error["traceback"] or kind == "SyntaxError"
    assert kind in error["traceback"]


def test_two_jobs_of_one_name_are_refused(tmp_path: Path) -> None:
    """An engine would refuse them when it starts; here it is said sooner."""
    one = '@job(name="same")\nasync def one(step: Step) -> None: ...\n'
    error = described(tmp_path, a=one, b=one)["error"]
    assert error["file"] == "b.py"
    assert error["message"] == "another job has the name 'same' already"
