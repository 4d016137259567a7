"""What goes to an index is whole, is nothing else, and works where no source is."""

from __future__ import annotations

import email
import subprocess
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from scripts.wheel.build import ROOT, Built, build
from scripts.wheel.installed import copy_tests, install, run_tests

pytestmark = pytest.mark.cpython_only

PROJECT = tomllib.loads((ROOT / "py" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME = f"{PROJECT['name']}-{PROJECT['version']}"
PACKAGE = ROOT / "py" / "durably"
#: A part of the suite that takes seconds; the whole of it is `npm run wheel -- --test`.
TESTS = (
    "tests/py/contract/test_claim.py",
    "tests/py/contract/test_enqueue.py",
    "tests/py/contract/test_sqlite.py",
    "tests/py/engine/test_steps.py",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Return a fresh wheel and sdist."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("DURABLY_REPOSITORY", raising=False)
        return build(tmp_path_factory.mktemp("dist"))


def sources() -> set[str]:
    """Return every file of the package that is no leftover of a run."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file())
    return {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in files
        if "__pycache__" not in path.parts
    }


def in_wheel(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_sdist(sdist: Path) -> dict[str, bytes]:
    """Return the files of an sdist, without the folder that they all lie in."""
    with tarfile.open(sdist) as archive:
        read = {one.name: archive.extractfile(one) for one in archive.getmembers() if one.isfile()}
        return {name.removeprefix(f"{NAME}/"): file.read() for name, file in read.items() if file}


def metadata(wheel: Path) -> Message:
    """Return what a wheel says about itself."""
    return email.message_from_bytes(in_wheel(wheel)[f"{NAME}.dist-info/METADATA"])


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    """Every file of the source is in it, migrations and py.typed too, with guide and license."""
    found = in_wheel(built.wheel)

    about = {
        f"{NAME}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")
    }
    assert set(found) == sources() | {"durably/llms.md"} | about
    assert "durably/py.typed" in found
    assert [name for name in found if name.endswith(".sql")] != []
    assert found["durably/llms.md"] == (ROOT / "docs" / "llms.md").read_bytes()
    assert found[f"{NAME}.dist-info/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_sdist_holds_what_the_wheel_is_made_of(built: Built) -> None:
    """Beside the package there is what builds it; the backend adds the .gitignore that it obeys."""
    found = in_sdist(built.sdist)

    beside = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml"}
    assert set(found) == sources() | {"durably/llms.md"} | beside
    assert found["durably/llms.md"] == (ROOT / "docs" / "llms.md").read_bytes()


def test_the_metadata_is_what_an_index_shows(built: Built) -> None:
    """Name, version, license, Python, requirements and the long description are there."""
    told = metadata(built.wheel)

    assert built.wheel.name == f"{NAME}-py3-none-any.whl"
    assert (told["Name"], told["Version"]) == ("durably", PROJECT["version"])
    assert (told["License-Expression"], told["License-File"]) == ("MIT", "LICENSE")
    assert told["Requires-Python"] == PROJECT["requires-python"]
    wanted = told.get_all("Requires-Dist", [])
    optional = [one for one in wanted if "extra ==" in one]
    required = [one.split("<")[0] for one in wanted if one not in optional]
    assert required == ["cronsim", "pydantic"]
    assert [one.split("<")[0] for one in optional] == ["psycopg[binary]"]
    assert set(told.get_all("Classifier", [])) == set(PROJECT["classifiers"])
    assert told["Description-Content-Type"] == "text/markdown"
    assert told.get_payload() == (ROOT / "py" / "README.md").read_text(encoding="utf-8")


def test_the_same_source_gives_the_same_bytes(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever builds it again can compare."""
    monkeypatch.delenv("DURABLY_REPOSITORY", raising=False)
    again = build(tmp_path)
    assert again.wheel.read_bytes() == built.wheel.read_bytes()
    assert again.sdist.read_bytes() == built.sdist.read_bytes()


def test_the_addresses_are_those_of_the_publisher(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build names the repository that it was told, and none otherwise."""
    assert metadata(built.wheel).get_all("Project-URL") is None

    monkeypatch.setenv("DURABLY_REPOSITORY", "https://example.org/durably")
    addresses = metadata(build(tmp_path).wheel).get_all("Project-URL", [])

    assert "Source, https://example.org/durably" in addresses
    assert all(" https://example.org/durably" in address for address in addresses)


@pytest.mark.slow
def test_the_installed_wheel_passes_the_tests(built: Built, tmp_path: Path) -> None:
    """They run in a fresh environment, in a folder that the source is not in."""
    python = install(built.wheel, tmp_path / "environment")
    folder = tmp_path / "tests"
    copy_tests(folder)

    where = "import durably; print(durably.__file__)"
    told = subprocess.run(
        [python, "-c", where], cwd=folder, capture_output=True, text=True, check=True
    )
    assert Path(told.stdout.strip()).is_relative_to(tmp_path / "environment")
    assert not (folder / "py" / "durably").exists()

    done = run_tests(python, folder, "-q", *TESTS, capture=True)

    assert done.returncode == 0, done.stdout + done.stderr
