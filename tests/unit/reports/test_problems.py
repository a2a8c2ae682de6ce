"""Every problem that any service can answer is explained to people, in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

from services.reports.texts.problems import EN, OTHERWISE, UR, explained

ROOT = Path(__file__).parents[3]


def codes() -> Iterator[str]:
    """The codes written in calls of Problem(status, code, …) and invalid(pointer, code, …)."""
    for folder in ("services", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or len(node.args) < 2:
                    continue
                name = getattr(node.func, "id", "")
                code = node.args[1]
                if name in {"Problem", "invalid"} and isinstance(code, ast.Constant):
                    yield str(code.value)


def test_every_code_is_explained_in_both_languages():
    found = set(codes())
    assert "unauthenticated" in found
    assert {code for code in found if explained(code, "en") == OTHERWISE["en"]} == set()
    assert set(EN) == set(UR)
