"""XML of partners made into answers: without entities, shallow and of bounded size.

Owns the parser and its bounds; what the answers are is left to `payloads`.
"""

from typing import Any
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from shared.errors import Problem

_MOST_ELEMENTS = 20_000
_DEEPEST = 32


def parsed(raw: bytes) -> Element:
    """The root element of an XML text without entities, shallow and of bounded size."""
    parser = _Bounded(forbid_dtd=True)
    try:
        parser.feed(raw)
        tree = parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Problem(400, "not_xml", "The body is not a plain XML text.") from None
    return tree


class _Bounded(DefusedXMLParser):
    """A parser that ends at too many or too deeply nested elements, before they fill the memory."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._depth = self._count = 0
        self.parser.StartElementHandler, self._start_element = (
            self._opened,
            self.parser.StartElementHandler,
        )
        self.parser.EndElementHandler, self._end_element = (
            self._closed,
            self.parser.EndElementHandler,
        )

    def _opened(self, name: str, attributes: Any) -> Any:
        self._depth += 1
        self._count += 1
        if self._depth > _DEEPEST or self._count > _MOST_ELEMENTS:
            raise ValueError("too deep or too many elements")
        return self._start_element(name, attributes)

    def _closed(self, name: str) -> Any:
        self._depth -= 1
        return self._end_element(name)


def answers_of(element: Element) -> Any:
    """An element's answers: a text, or its children by their names; a name told twice is a list."""
    if not len(element):
        return element.text
    found: dict[str, Any] = {}
    for child in element:
        name, value = child.tag.rpartition("}")[2], answers_of(child)
        if name in found:
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[name] = value
    return found
