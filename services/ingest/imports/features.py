"""GeoJSON as a table: the properties of each feature are its cells, its point two more.

Owns the flattening into texts; the file is small enough to be held (the upload's limit), its
features are taken one by one.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from services.ingest.imports.refusal import FileRefused
from shared.formula_guard import guarded

LAT, LON = "geometry.lat", "geometry.lon"


class _Collection(msgspec.Struct):
    features: list[msgspec.Raw]
    type: str = ""


class _Feature(msgspec.Struct):
    properties: dict[str, Any] | None = None
    geometry: dict[str, Any] | None = None


_FEATURE = msgspec.json.Decoder(_Feature)


def feature_rows(file: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """First a row of names, then a row for each feature, numbered as if the names were row 1.

    Raises FileRefused when the file is no feature collection.
    """
    file.seek(0)
    try:
        features = msgspec.json.decode(file.read(), type=_Collection).features
        names: dict[str, int] = {}
        for raw in features:
            for name in _flat(raw):
                names.setdefault(name, len(names))
        yield 1, list(names)
        for number, raw in enumerate(features, 2):
            cells = [""] * len(names)
            for name, text in _flat(raw).items():
                cells[names[name]] = text
            yield number, cells
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FileRefused(
            "not_geojson",
            "The file begins like JSON and is no GeoJSON feature collection.",
            "Send a FeatureCollection, a CSV file or an XLSX workbook.",
        ) from error


def _flat(raw: msgspec.Raw) -> dict[str, str]:
    feature = _FEATURE.decode(raw)
    cells = {
        name: guarded(value) if isinstance(value, str) else _text(value)
        for name, value in (feature.properties or {}).items()
    }
    point = feature.geometry or {}
    places = point.get("coordinates")
    if point.get("type") == "Point" and isinstance(places, list) and len(places) >= 2:
        cells[LON], cells[LAT] = _text(places[0]), _text(places[1])
    return cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    return msgspec.json.encode(value).decode()
