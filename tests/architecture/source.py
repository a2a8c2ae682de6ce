"""The project's own source files, parsed, for the tests of this folder."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("services", "shared", "demo", "rtsm_client")


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    def imports(self) -> set[str]:
        """The dotted names it imports anywhere, `from a import b` as `a.b`."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        return found


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the product's packages."""
    found = []
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found.append(Module(name, path, text, ast.parse(text)))
    return tuple(found)


@cache
def tracked_texts() -> tuple[tuple[str, str], ...]:
    """(path, text) of every text file that is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            found.append((name, content.decode("utf-8", "replace")))
    return tuple(found)
