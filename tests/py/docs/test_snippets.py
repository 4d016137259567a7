"""Every snippet of the documentation works: Python runs as written, TypeScript type-checks."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import re
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.cpython_only

ROOT = Path(__file__).parents[3]
PAGES = [
    page
    for page in (ROOT / "README.md", ROOT / "py" / "README.md", *sorted(ROOT.glob("docs/**/*.md")))
    if page.exists()
]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<info>[^\n`]*)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
#: What a snippet prints stands beside it in such comments, line by line.
PRINTED = re.compile(r"#> ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """One fenced block: its code, the line it begins on, and the file it stands for, if any."""

    page: Path
    line: int
    code: str
    title: str | None


def snippets(page: Path, *languages: str) -> list[Snippet]:
    """Return the blocks of *page* in one of *languages*, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(
            page=page,
            line=text.count("\n", 0, found.start("code")) + 1,
            code=textwrap.dedent(found["code"]),
            title=title[1] if (title := re.search(r'title="([^"]+)"', found["info"])) else None,
        )
        for found in FENCE.finditer(text)
        if found["language"] in languages
    ]


def with_snippets(*languages: str) -> list[object]:
    """Return a parameter for each page that has any."""
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if snippets(page, *languages)
    ]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """Return a fresh main module, in a folder of its own."""
    module = types.ModuleType("__main__")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", module)
    yield module
    for name, found in tuple(sys.modules.items()):
        if str(getattr(found, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", with_snippets("python"))
async def test_every_python_snippet_runs_as_written(
    page: Path, main: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """The blocks of a page run in order in one module; what they print is what they say."""
    for snippet in snippets(page, "python"):
        if snippet.title is not None:
            save(snippet, snippet.title)
            continue
        known = set(vars(main))
        await run(snippet, main)
        for name in sorted(set(vars(main)) - known):
            if name.startswith("test_"):
                result = getattr(main, name)()
                if inspect.isawaitable(result):
                    await result
        said = PRINTED.findall(snippet.code)
        assert capsys.readouterr().out.splitlines() == said, f"{page}:{snippet.line}"


def save(snippet: Snippet, title: str) -> None:
    """Write a block that is a file of its own, and import it."""
    path = Path(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(snippet.code, encoding="utf-8")
    importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))


async def run(snippet: Snippet, main: types.ModuleType) -> None:
    """Run a block; a failure shows the page and its line."""
    code = compile(
        "\n" * (snippet.line - 1) + snippet.code,
        str(snippet.page),
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
    )
    if code.co_flags & inspect.CO_COROUTINE:
        await eval(code, vars(main))
    elif "asyncio.run(" in snippet.code:  # it brings a loop of its own
        await asyncio.to_thread(exec, code, vars(main))
    else:
        exec(code, vars(main))


def test_every_typescript_snippet_passes_the_checker() -> None:
    """The blocks of a page are one module of an app that uses the package."""
    folder = ROOT / ".cache" / "docs-snippets"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "app" / "jobs").mkdir(parents=True)
    declared = ROOT / "examples" / "vite-react" / "src" / "jobs" / "reports.py.d.ts"
    shutil.copy(declared, folder / "app" / "jobs")
    for page in PAGES:
        blocks = snippets(page, "ts", "tsx")
        name = "-".join(page.relative_to(ROOT).with_suffix("").parts).lower()
        for block in blocks:
            if block.title:  # a file of its own
                file = folder / "app" / name / block.title
                (file.parent / "jobs").mkdir(parents=True, exist_ok=True)
                shutil.copy(declared, file.parent / "jobs")
                file.write_text(block.code, encoding="utf-8")
        blocks = [block for block in blocks if block.title is None]
        if blocks:
            code = "\n".join(block.code for block in blocks) + "\nexport {}\n"
            (folder / "app" / f"{name}.tsx").write_text(code, encoding="utf-8")
    config = {
        "extends": "../../tsconfig.json",
        "compilerOptions": {"noUnusedLocals": False},
        "include": ["app"],
        "exclude": [],
    }
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    tsc = ROOT / "node_modules" / "typescript" / "bin" / "tsc"

    done = subprocess.run(
        ["node", tsc, "--project", folder], cwd=ROOT, capture_output=True, text=True, check=False
    )

    lines = (done.stdout + done.stderr).splitlines()
    # The library's own types are checked by `npm run check`.
    assert [line for line in lines if line.strip() and not line.startswith(("dist/", " "))] == []
