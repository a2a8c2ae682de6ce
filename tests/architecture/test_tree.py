"""The tree stays readable: small files with honest names that say what they own."""

import ast
import re

from tests.architecture.source import Module, modules, tracked_texts

LONGEST = 400
VAGUE = {"utils", "util", "helpers", "helper", "base", "manager", "common", "misc"}
# Spelt as patterns, so that this file is not its own finding.
REGISTRIES = re.compile(
    r"py[p]i[.]org|pythonhos[t]ed|registry[.]npm[j]s|repo[0-9]*[.]m[a]ven|mav[e]n[.]apache[.]org/m[a]ven2"
    r"|deb[.]de[b]ian|crat[e]s[.]io|(proxy|sum)[.]gol[a]ng"
)
MACHINE_PATH = re.compile(r"(?<![\w.~$}])/(?:work|farm|root|home/\w+)/[\w.]")


def test_no_module_is_longer_than_400_lines() -> None:
    long = {m.name: m.text.count("\n") for m in modules() if m.text.count("\n") > LONGEST}
    assert not long


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [m.name for m in modules() if m.name.rsplit(".", 1)[-1] in VAGUE] == []


def test_every_module_says_what_it_owns() -> None:
    assert [m.name for m in modules() if not ast.get_docstring(m.tree)] == []


def test_time_comes_from_a_clock() -> None:
    asked = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
    asked |= {"time.time_ns", "datetime.datetime.now", "datetime.date.today"}
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        if module.name != "shared.clock"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in asked
    ]
    assert found == []


def test_nothing_runs_and_nothing_is_opened_on_import() -> None:
    """Settings, engines, clients and locks are made by functions, not by importing a module."""
    makers = re.compile(r"(Settings|Client|Engine|Database|Lock|Semaphore|Platform|FastAPI)$")
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and makers.search(ast.unparse(node.value.func))
    ]
    assert found == []


def test_no_error_is_swallowed() -> None:
    found = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and _forgets(node)
    ]
    assert found == []


def _catches_all(node: ast.ExceptHandler) -> bool:
    return node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"}


def _forgets(node: ast.ExceptHandler) -> bool:
    return all(isinstance(step, ast.Pass | ast.Continue) for step in node.body)


def test_no_registry_is_named_anywhere() -> None:
    found = [(name, m[0]) for name, text in tracked_texts() for m in REGISTRIES.finditer(text)]
    assert found == []


def test_no_path_of_a_machine_is_named_anywhere() -> None:
    found = [(name, hit[0]) for name, text in tracked_texts() for hit in [_path(text)] if hit]
    assert found == []


def _path(text: str) -> re.Match[str] | None:
    return MACHINE_PATH.search(text)


def test_pure_modules_declare_no_state(pure: list[Module]) -> None:
    """A pure module has no `global` and no module-level list, dict or set that code may fill."""
    found = [
        f"{module.name}:{node.lineno}"
        for module in pure
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]
    assert found == []
