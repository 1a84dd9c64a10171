"""Comparing XML of object storage with the official SDK's own models of it."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from alibabacloud_oss_v2 import models, serde
from alibabacloud_oss_v2.exceptions import DeserializationError
from defusedxml.ElementTree import fromstring

_DEPTH_MAX = 12
_MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


class Leaf(NamedTuple):
    """What a model says of an element: its type, and whether there may be many."""

    kind: str
    many: bool


def _kind(told: dict[str, Any]) -> str:
    kind = str(told.get("type", "str")).partition(",")[0]
    return "datetime" if "datetime" in kind else kind


def leaves(model: Any, depth: int = 0) -> Iterator[tuple[str, Leaf]]:
    """Yield the paths of elements that a model knows; inner ones have no kind."""
    assert depth < _DEPTH_MAX
    for attribute, told in model._attribute_map.items():
        if told.get("tag") != "xml":
            continue
        path = told.get("rename", attribute)
        kind = _kind(told)
        many = kind.startswith("[")
        kind = kind.strip("[]")
        for end in (i for i, letter in enumerate(path) if letter == "/"):
            yield path[:end], Leaf("", many=False)
        if kind.islower():
            yield path, Leaf(kind, many)
            continue
        yield path, Leaf("", many)
        inner = model._Model__create_depend_object(kind)
        assert inner is not None, kind
        for below, leaf in leaves(inner, depth + 1):
            yield f"{path}/{below}", leaf


def request_elements(request: Any) -> set[str]:
    """Return the paths of the elements of a request's body."""
    return {
        path
        for model in request_bodies(request).values()
        for path, leaf in leaves(model)
        if leaf.kind
    }


def request_bodies(request: Any) -> dict[str, Any]:
    """Return an empty model for each attribute of a request that is its XML body."""
    found = {}
    for attribute, told in request._attribute_map.items():
        if told.get("position") == "body" and told.get("type") == "xml":
            annotation = str(inspect.signature(request).parameters[attribute])
            words = re.findall(r"[A-Z]\w+", annotation)
            name = [word for word in words if hasattr(models, word)][-1]
            found[attribute] = getattr(models, name)()
    return found


def problems(document: bytes, result: Any) -> Iterator[str]:
    """Yield what is in an answer that its model does not know, or knows otherwise."""
    root = fromstring(document)
    told, expected = _root(result)
    if expected and root.tag != expected:
        yield f"root {root.tag} is not {expected}"
    known = dict(leaves(told))
    if set(known) == {"."}:
        assert len(root) == 0
        return
    yield from _differences(root, "", known)


def _root(result: Any) -> tuple[Any, str]:
    """Return the model of the root element, and the root's name or ""."""
    for told in result._attribute_map.values():
        if told.get("position") == "body" and "xml" in told.get("type", ""):
            kind = told["type"].partition(",")[0]
            model = result._Model__create_depend_object(kind)
            return model, told.get("rename", "")
    return result, getattr(result, "_xml_map", {}).get("name", "")


def _differences(element: Element, path: str, known: dict[str, Leaf]) -> Iterator[str]:
    for tag, number in Counter(child.tag for child in element).items():
        leaf = known.get(f"{path}{tag}")
        if leaf is None:
            yield f"{path}{tag} is unknown"
        elif number > 1 and not leaf.many:
            yield f"{path}{tag} comes {number} times"
    for child in element:
        leaf = known.get(f"{path}{child.tag}")
        if leaf is not None and leaf.kind:
            if len(child) or not is_of(leaf.kind, child.text or ""):
                yield f"{path}{child.tag}: {child.text!r} is no {leaf.kind}"
        elif leaf is not None:
            if (child.text or "").strip():
                yield f"{path}{child.tag} has text"
            yield from _differences(child, f"{path}{child.tag}/", known)


def is_of(kind: str, text: str) -> bool:
    """Whether a text is of a model's type, as the SDK reads it."""
    if kind in ("int", "bool"):
        return (
            re.fullmatch(r"-?\d+" if kind == "int" else "true|false", text) is not None
        )
    if kind == "float":
        return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None
    if kind == "datetime":
        with suppress(ValueError, TypeError):
            return isinstance(serde.deserialize_iso(text), datetime)
        return False
    return kind == "str"


def headers(result: Any) -> dict[str, tuple[str, ...]]:
    """Return the headers a result knows, in lower case, with their types."""
    return {
        told.get("rename", attribute).lower(): tuple(
            str(told.get("type", "str")).split(",")
        )
        for attribute, told in result._attribute_map.items()
        if told.get("position") == "header"
    }


def header_is_of(kinds: tuple[str, ...], text: str) -> bool:
    """Whether a header's value is of a model's type."""
    if kinds[0] != "datetime":
        return kinds[0] == "dict" or is_of(kinds[0], text)
    try:
        if "httptime" in kinds:
            serde.deserialize_httptime(text)
        else:
            serde.deserialize_iso(text)
    except (DeserializationError, ValueError):
        return False
    return True


def filled(model: Any, path: str = "", **given: Any) -> Any:
    """Return a model with a value in every element, down to the leaves.

    Args:
        model: An empty one.
        path: Where it is; "" for the root.
        given: Values for paths, in place of made-up ones (None leaves them out).
    """
    for attribute, told in model._attribute_map.items():
        if told.get("tag") != "xml":
            continue
        at = f"{path}{told.get('rename', attribute)}"
        kind = _kind(told)
        one = _sample(model, kind.strip("[]"), at, given)
        setattr(model, attribute, [one] if kind.startswith("[") and one else one)
    return model


def _sample(model: Any, kind: str, path: str, given: dict[str, Any]) -> Any:
    if path in given:
        return given[path]
    if kind.islower():
        return {"int": 1, "bool": True, "float": 1.5, "datetime": _MOMENT}.get(
            kind, "text"
        )
    return filled(model._Model__create_depend_object(kind), f"{path}/", **given)
