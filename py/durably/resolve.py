"""Find the files of an app's packages for Pyodide: wheels of an index, else Pyodide's own builds.

The npm package runs this under Node, when an app is built; micropip does the finding. It is not
part of what a browser is sent.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: How micropip names a package that has no file for this Python.
_NOT_FOUND = re.compile(r"Can't find a pure Python 3 wheel for(?: \w+)? '?([\w.\-]+)")

#: How it names a version that differs from what is there already, which is what the engine needs.
_CLASH = re.compile(r"Requested '([^']+)', but (\S+) is already installed")


async def resolve(asked_json: str) -> str:
    """Resolve and return JSON.

    The question holds *requirements*, *constraints*, *indexes* (addresses) and *distribution*, the
    packages of Pyodide's lock file. The answer is ``{"found": [{"name", "version", "file",
    "sha256", "from"}]}`` or ``{"error": text}``.
    """
    asked = json.loads(asked_json)
    try:
        found = await _resolve(
            asked["requirements"],
            asked["constraints"],
            asked["indexes"],
            {_normal(name): one for name, one in asked["distribution"].items()},
        )
    except _NotToBeHadError as error:
        return json.dumps({"error": str(error)})
    return json.dumps({"found": found})


class _NotToBeHadError(Exception):
    """A package has no file that runs in Pyodide."""


async def _resolve(
    requirements: list[str],
    constraints: list[str],
    indexes: list[str],
    distribution: Mapping[str, Any],
) -> list[dict[str, str]]:
    import micropip  # noqa: PLC0415 - it is there only while packages are looked for

    own = {_normal(one.name) for one in importlib.metadata.distributions()}
    built: dict[str, dict[str, str]] = {}
    while True:
        try:
            await micropip.install(
                requirements, constraints=constraints, index_urls=indexes, verbose=False
            )
            break
        except ValueError as error:
            missing = _NOT_FOUND.search(str(error))
            name = _normal(missing[1]) if missing else ""
            if name not in distribution or name in built:
                raise _NotToBeHadError(_sentence(str(error), indexes)) from error
            for one in _with_dependencies(name, distribution):
                if one not in own and one not in built:
                    built[one] = _of_distribution(distribution[one])
                    micropip.add_mock_package(one, distribution[one]["version"])
    frozen = json.loads(micropip.freeze())["packages"]
    found = [_of_index(one) for name, one in frozen.items() if _normal(name) not in {*own, *built}]
    return sorted([*found, *built.values()], key=lambda one: one["name"])


def _sentence(reason: str, indexes: Iterable[str]) -> str:
    first = reason.strip().partition("\n")[0]
    clash = _CLASH.search(first)
    if clash:
        return f"{clash[1].partition(',')[0]} is asked for, but the engine needs {clash[2]}"
    return f"{first} (looked for in {', '.join(indexes)} and among Pyodide's own packages)"


def _with_dependencies(name: str, distribution: Mapping[str, Any]) -> list[str]:
    needed, waiting = list[str](), [name]
    while waiting:
        one = _normal(waiting.pop())
        if one in needed:
            continue
        if one not in distribution:
            msg = f"Pyodide's own {name} needs {one}, which is not among its packages"
            raise _NotToBeHadError(msg)
        if distribution[one].get("package_type", "package") != "package":
            msg = f"{name} needs {one}, a shared library, which cannot be kept with an app yet"
            raise _NotToBeHadError(msg)
        needed.append(one)
        waiting.extend(distribution[one].get("depends", ()))
    return needed


def _of_distribution(package: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": package["name"],
        "version": package["version"],
        "file": package["file_name"],
        "sha256": package["sha256"],
        "from": "pyodide",
    }


def _of_index(package: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": package["name"],
        "version": package["version"],
        "file": package["file_name"].rpartition("/")[2],
        "sha256": package["sha256"],
        "from": "index",
    }


def _normal(name: str) -> str:
    """Return a name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
