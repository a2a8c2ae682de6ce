"""What the product imports is what the product declares, and the locks pin it with hashes."""

import importlib.metadata
import re
import sys

from tests.architecture.source import PRODUCT, ROOT, modules

# Not imported by name: build the package, read forms, unpack Kafka's batches, know the zones.
UNSEEN = {"hatchling", "editables", "cramjam", "tzdata", "python-multipart"}
# Come with a declared one, by that one's promise.
WITHIN = {"starlette": "fastapi", "pydantic": "fastapi", "pydantic_core": "fastapi"}
WITHIN |= {"sqlalchemy": "sqlmodel", "markupsafe": "jinja2", "typing_extensions": "fastapi"}


def declared() -> set[str]:
    lines = (ROOT / "requirements/runtime.in").read_text(encoding="utf-8").splitlines()
    names = (re.split(r"[\[<>=~! ]", line)[0] for line in lines if line and line[0].isalpha())
    return {name.lower() for name in names}


def imported() -> set[str]:
    found = {name.split(".")[0] for module in modules() for name in module.imports()}
    return found - set(sys.stdlib_module_names) - set(PRODUCT)


def test_every_imported_library_is_declared() -> None:
    distributions = importlib.metadata.packages_distributions()
    missing = set()
    for name in imported():
        owner = WITHIN.get(name) or distributions.get(name, [name])[0]
        if owner.lower() not in declared():
            missing.add(name)
    assert missing == set()


def test_every_declared_library_is_imported() -> None:
    distributions = importlib.metadata.packages_distributions()
    used = {owner.lower() for name in imported() for owner in distributions.get(name, [])}
    assert declared() - used - UNSEEN == set()


def test_locks_pin_by_hash_and_agree() -> None:
    pins = {}
    for name in ("runtime", "development"):
        text = (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8")
        assert "://" not in text
        assert "--hash=sha256:" in text
        pins[name] = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.MULTILINE))
    assert pins["runtime"].items() <= pins["development"].items()
