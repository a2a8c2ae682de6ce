"""The client's types name what the server takes: fields, required ones, words of choices."""

from __future__ import annotations

from typing import Any, Literal, Required, get_args, get_origin, get_type_hints, is_typeddict

from rtsm_client.forms import Visit
from services.ingest.documents import inlined
from services.ingest.schemas import VisitIn


def described(kind: Any) -> Any:
    """A type as names, words and nothing else."""
    if get_origin(kind) is Required:
        return described(get_args(kind)[0])
    if is_typeddict(kind):
        return {name: described(part) for name, part in get_type_hints(kind).items()}
    if get_origin(kind) is list:
        return [described(get_args(kind)[0])]
    if get_origin(kind) is Literal:
        return sorted(get_args(kind))
    return {str: "string", int: "integer", float: "number", bool: "boolean"}[kind]


def declared(schema: dict[str, Any]) -> Any:
    """A JSON schema in the same words; null, which means absent, is left out."""
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            return declared(part)
    if "properties" in schema:
        return {name: declared(part) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [declared(schema["items"])]
    if "enum" in schema:
        return sorted(word for word in schema["enum"] if word is not None)
    return schema["type"]


def test_the_types_are_the_servers() -> None:
    schema = inlined(VisitIn)
    assert described(Visit) == declared(schema)
    assert set(Visit.__required_keys__) == set(schema["required"])
