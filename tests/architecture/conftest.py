"""The list of pure modules: arithmetic and rules that touch no file, socket, clock or framework."""

import pytest

from tests.architecture.source import Module, modules

PURE = {
    "services.indicators": "measures labels intervals catalogue expressions traits "
    "definition_entry segments register cells presence spans figures pieces visits contributions "
    "sums ranks resemblance form list_words",
    "services.ingest": "schemas rules flags calendar leaves diagnosis registry.versions",
    "services.notify": "rules evaluate life policy messages words segments receipts",
    "services.reports": "figures compare card numbers texts texts.desk_en texts.desk_ur texts.en "
    "texts.check_en texts.check_ur texts.form_en texts.form_ur texts.lists_en texts.lists_ur "
    "texts.problems "
    "texts.problems_intake texts.ur texts.work_en texts.work_ur formats.charts "
    "formats.json formats.view",
    "shared": "domain domain.codes domain.days domain.intervals domain.periods domain.ranks "
    "domain.school_years errors formula_guard strict_json",
    "shared.clients": "figure_answers list_answers",
}


@pytest.fixture(scope="session")
def pure() -> list[Module]:
    """The modules the list names; one that does not exist is an error in the list."""
    names = {f"{parent}.{name}" for parent, listed in PURE.items() for name in listed.split()}
    found = [module for module in modules() if module.name in names]
    assert names == {module.name for module in found}
    return found
