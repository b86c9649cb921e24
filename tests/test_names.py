"""One name, one meaning."""

import ast
from collections import defaultdict

from tests.support.paths import PACKAGE

TWICE: dict[str, str] = {}
"""A class name that may stand in two modules -> the reason."""


def test_a_class_name_stands_once() -> None:
    """No two top-level classes of the package have the same name."""
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(str(path.relative_to(PACKAGE)))
    assert len(modules) > 200  # the walk has found the package
    twice = {name: paths for name, paths in modules.items() if len(paths) > 1}
    assert sorted(twice) == sorted(TWICE), twice
