"""The README says what is true: every setting stands in it with its default."""

from pathlib import Path

from pydantic import BaseModel

from shared.settings import Settings

README = Path(__file__).parents[2] / "README.md"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, BaseModel):
            rows += _rows(type(default), f"{prefix}{name.upper()}__")
            continue
        if isinstance(default, list):
            default = ",".join(default)
        shown = "" if default is None else f"`{default}`"
        rows.append(f"| `{prefix}{name.upper()}` | {shown} | {field.description} |")
    return rows


def test_every_setting_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip().splitlines()
    assert table[2:] == _rows(Settings, "RTSM_")
