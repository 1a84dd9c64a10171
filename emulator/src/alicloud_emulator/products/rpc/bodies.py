"""RPC bodies: one document, as JSON or as XML, and the shape of times."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

Document = Mapping[str, Any]

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

JSON_TYPE = "application/json;charset=utf-8"
XML_TYPE = "text/xml;charset=utf-8"

# What XML 1.0 cannot carry at all, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def json_body(document: Document) -> bytes:
    """Return a document as JSON, its keys as they stand there."""
    return _COMPACT.encode(document).encode("utf-8", errors="replace")


def xml_body(root: str, document: Document) -> bytes:
    """Return a document as XML; a list's items repeat its element.

    ``{"Regions": {"Region": [{"RegionId": "a"}]}}`` becomes
    ``<Regions><Region><RegionId>a</RegionId></Region></Regions>``.
    """
    text = f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, document)}'
    return text.encode("utf-8")


def _element(name: str, value: object) -> str:
    if isinstance(value, list | tuple):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        inner = "".join(_element(key, item) for key, item in value.items())
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(
            _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=False
        )
    return f"<{name}>{inner}</{name}>"


def time_text(when: float) -> str:
    """Return Unix seconds as ``2019-11-15T06:07:05Z``."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def minute_text(when: float) -> str:
    """Return Unix seconds as ``2020-11-24T12:50Z``, as tasks show times."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%MZ")


def time_value(text: str) -> float | None:
    """Return Unix seconds of either form of time, or None if it is neither."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
