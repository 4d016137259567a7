"""Say of a folder of modules what another language needs to use its jobs: names, docs, schemas.

The npm package runs this inside Pyodide under Node, to write TypeScript declarations and to name
the modules that a browser imports. It is not part of what a browser is sent.
"""

from __future__ import annotations

import importlib
import inspect
import linecache
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from durably.codec import to_json
from durably.errors import ConflictError
from durably.jobs import JobDefinition
from durably.json_schema import JsonSchema
from durably.queries import Query

if TYPE_CHECKING:
    import types
    from collections.abc import Mapping

Definition = JobDefinition[Any, Any] | Query
Mode = Literal["validation", "serialization"]

#: Files of tests lie beside jobs, and are none.
_OF_TESTS = ("test_", "conftest")

#: The folders that were described so far.
_roots: set[Path] = set()


def describe(folder: str) -> str:
    """Import every module under *folder* and return JSON about those that have jobs or queries.

    ``{"modules": [{"name", "file", "exports", "$defs"}]}``, or ``{"error": {"type", "message",
    "traceback", "file", "line"}}`` for a module that cannot be imported or described. Modules of
    the folder that were imported before are imported anew.
    """
    root = Path(folder)
    _roots.add(root)
    _forget()
    sys.path.insert(0, folder)
    try:
        return to_json(_described_all(root))
    finally:
        sys.path.remove(folder)


def _described_all(root: Path) -> dict[str, Any]:
    described = []
    known: dict[tuple[type, str], Definition] = {}
    for path in _sources(root):
        try:
            module = importlib.import_module(_module_name(root, path))
            found = {
                name: value
                for name, value in vars(module).items()
                if isinstance(value, (JobDefinition, Query))
            }
            for definition in found.values():
                _refuse_double(definition, known)
            if found:
                described.append(_described(module, path.relative_to(root).as_posix(), found))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever its code raises is told
            return {"error": _failure(error, root, path)}
    return {"modules": described}


def _forget() -> None:
    """Forget the modules of every folder that was described: those of two may share a name."""
    for name, module in tuple(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(place and _is_described(Path(place)) for place in places):
            del sys.modules[name]
    importlib.invalidate_caches()
    linecache.clearcache()


def _is_described(path: Path) -> bool:
    return any(path.is_relative_to(root) for root in _roots)


def _sources(root: Path) -> list[Path]:
    """Return the files of modules, a package before what is in it."""
    paths = [
        path
        for path in root.rglob("*.py")
        if _module_name(root, path).replace(".", "").isidentifier()
        and not path.stem.startswith(_OF_TESTS)
        and not path.stem.endswith(("_test", "__main__"))
    ]
    return sorted(paths, key=lambda path: _module_name(root, path))


def _module_name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _refuse_double(definition: Definition, known: dict[tuple[type, str], Definition]) -> None:
    """Refuse another definition of a name, as an engine would when it starts."""
    kind = "query" if isinstance(definition, Query) else "job"
    if known.setdefault((type(definition), definition.name), definition) is not definition:
        msg = f"another {kind} has the name {definition.name!r} already"
        raise ConflictError(msg)


def _described(
    module: types.ModuleType, file: str, found: Mapping[str, Definition]
) -> dict[str, Any]:
    asked: list[tuple[str, Mode, TypeAdapter[Any]]] = []
    for name, definition in found.items():
        takes, gives = definition.input, definition.output
        if definition.takes_input and takes.typed:
            asked.append((name, "validation", takes.adapter))
        if gives.typed:
            asked.append((name, "serialization", gives.adapter))
    schemas, rest = TypeAdapter.json_schemas(asked, by_alias=True, schema_generator=JsonSchema)
    exports = [
        {
            "name": name,
            "kind": "query" if isinstance(definition, Query) else "job",
            "key": definition.name,
            "doc": inspect.cleandoc(definition.function.__doc__ or ""),
            "line": _line_of(definition, module),
            "takesInput": definition.takes_input,
            "hasDefault": _has_default(definition),
            # What was not asked for is untyped, or is not there.
            "input": schemas.get((name, "validation"), {}),
            "output": schemas.get((name, "serialization"), {}),
        }
        for name, definition in found.items()
    ]
    defs = rest.get("$defs", {})
    return {"name": module.__name__, "file": file, "exports": exports, "$defs": defs}


def _has_default(definition: Definition) -> bool:
    if isinstance(definition, Query):
        return definition.has_default
    return definition.default_json is not None


def _line_of(definition: Definition, module: types.ModuleType) -> int:
    """Return the line of the function's name, from 1; 1 if it is written in another file."""
    function = inspect.unwrap(definition.function)
    code = getattr(function, "__code__", None)
    if code is None or code.co_filename != module.__file__:
        return 1
    first = int(code.co_firstlineno)  # of its decorators
    for offset, line in enumerate(linecache.getlines(code.co_filename)[first - 1 :]):
        if line.lstrip().startswith(("def ", "async def ")):
            return first + offset
    return first


def _failure(error: BaseException, root: Path, path: Path) -> dict[str, Any]:
    """Say what went wrong, and the last line of the folder's own code that led there."""
    file, line = path, 1
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root)]
    if isinstance(error, SyntaxError) and error.filename:
        file, line = Path(error.filename), error.lineno or 1
    elif own:
        file, line = Path(own[-1].filename), own[-1].lineno or 1
    kept = traceback.StackSummary.from_list(own)
    told = [*kept.format(), *traceback.format_exception_only(error)]
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(told).rstrip(),
        "file": file.relative_to(root).as_posix() if file.is_relative_to(root) else path.name,
        "line": line,
    }
