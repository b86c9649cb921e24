"""The layout of the tests: shared code is in tests/support, and the folders mirror those of the package."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import PACKAGE, ROOT

TESTS, SCRIPTS = ROOT / "tests", ROOT / "scripts"
MODULES = sorted(path.relative_to(ROOT) for path in [*TESTS.rglob("*.py"), *SCRIPTS.glob("*.py")])
OWN_FOLDERS = {"support", "data", "browser", "end_to_end"}
"""The folders directly below tests/ that mirror no folder of the package."""


def imported_modules(path: Path) -> Iterator[str]:
    """Yield the dotted name of every module, or name in a module, that a file imports."""
    for node in ast.walk(ast.parse((ROOT / path).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.parent.parts[: len(path.parent.parts) + 1 - node.level] if node.level else ()
            module = ".".join([*package, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_imports_a_test_module(path: Path) -> None:
    """Code that several tests or scripts share is in tests/support, and fixtures are in a conftest.py."""
    modules = {name for name in imported_modules(path) if name.split(".")[0] == "tests"}
    parts = {(name, part) for name in modules for part in name.split(".")}
    assert {name for name, part in parts if part.startswith("test_") or part == "conftest"} == set()


@pytest.mark.parametrize("path", [path for path in MODULES if path.parts[0] == "scripts"], ids=str)
def test_a_script_imports_only_the_support_of_the_tests(path: Path) -> None:
    """Scripts import nothing of tests/ except modules of tests/support."""
    modules = {name for name in imported_modules(path) if name.split(".")[0] == "tests"}
    assert {name for name in modules if name.split(".")[1:2] != ["support"]} == set()


def test_every_folder_mirrors_one_of_the_package() -> None:
    """A folder of tests has the path of the package folder that it tests."""
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("*.py")} - {Path()}
    own = {folder for folder in folders if folder.parts[0] in OWN_FOLDERS}
    assert [folder for folder in sorted(folders - own) if not (PACKAGE / folder).is_dir()] == []
