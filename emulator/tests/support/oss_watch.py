"""Watching object storage: what operations read of requests, and the codes they give."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from alicloud_emulator.products.oss import errors, service, xml
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.oss.operations import (
    ANY,
    BUCKET_CODES,
    COMMON_CODES,
    OBJECT_CODES,
    OPERATIONS,
    Fate,
    Place,
)
from alicloud_emulator.products.oss.routing import (
    Level,
    actions_of,
    level_of,
    operation_of,
)
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss import Bucket
from alicloud_emulator.world.oss.settings import SETTINGS

Read = tuple[str, Place, str]
Code = tuple[str, str]

RECORDED_READS: set[Read] = {
    (action, place, name)
    for action, observed in OPERATIONS.items()
    for place, names in observed.names.items()
    for name, fate in names.items()
    if fate is Fate.READ
}
RECORDED_CODES: set[Code] = {
    (action, code) for action, observed in OPERATIONS.items() for code in observed.codes
}
_OF_LEVEL = {
    Level.SERVICE: {*COMMON_CODES},
    Level.BUCKET: {*COMMON_CODES, *BUCKET_CODES},
    Level.OBJECT: {*COMMON_CODES, *BUCKET_CODES, *OBJECT_CODES},
}

# What is read of a kept configuration is what PUT is told of.
_PUT_BY_ROOT = {
    setting.root: setting.action("Put") for setting in SETTINGS.values() if setting.root
}


def action_of(request: Request) -> str:
    """Return the operation's name, or the code of the refusal if there is none."""
    operation = operation_of(request)
    return operation if isinstance(operation, str) else operation.action


def codes_of(action: str) -> set[str]:
    """Return every code that an operation may give."""
    (level,) = (one for one in Level if action in actions_of(one))
    return {*OPERATIONS[action].codes, *_OF_LEVEL[level]}


@dataclass
class Seen:
    """What was seen.

    Attributes:
        reads: Names that were read, with their operation.
        codes: Codes that were given.
        said: Elements of kept configurations that the world went by, with their place.
    """

    reads: set[Read] = field(default_factory=set)
    codes: set[Code] = field(default_factory=set)
    said: set[tuple[str, str]] = field(default_factory=set)
    # The document that was read last: where its elements are, by identity.
    _action: str = ""
    _paths: dict[int, str] = field(default_factory=dict)
    _root: Element | None = None

    def read(self, call: Call, place: Place, name: str) -> None:
        """Note that a name was read."""
        if (place, name) not in ANY:
            # Fields of a form are in its body, whatever they stand for.
            place = place if call.form is None else Place.BODY
            self.reads.add((action_of(call.request), place, name))

    def begin(self, action: str, root: Element) -> None:
        """Note that a document is read from here on: a request's, or a kept one."""
        self._action, self._root = action, root
        self._paths = dict(_paths(root, ""))

    def text(self, element: Element, path: str) -> None:
        """Note that an element's text was read, if it is the document's."""
        above = self._paths.get(id(element))
        if above is not None:
            name = "/".join(filter(None, (above, path.strip("."))))
            self.reads.add((self._action, Place.BODY, name))

    def refused(self, request: Request, error: Exception) -> None:
        """Note the code of a refusal, if it is not one of any operation of its level."""
        if isinstance(operation_of(request), str) or not isinstance(
            error, ServiceError
        ):
            return
        code, _ = errors.named(error)
        if code not in _OF_LEVEL[level_of(request)]:
            self.codes.add((action_of(request), code))


def _paths(element: Element, path: str) -> Iterator[tuple[int, str]]:
    yield id(element), path
    for child in element:
        yield from _paths(child, f"{path}/{child.tag}" if path else child.tag)


@contextmanager
def watching() -> Iterator[Seen]:
    """Watch every call of object storage in this process."""
    seen = Seen()
    with pytest.MonkeyPatch.context() as patch:
        for method, place in (
            ("param", Place.QUERY),
            ("has_param", Place.QUERY),
            ("header", Place.HEADER),
        ):
            patch.setattr(Call, method, _naming(getattr(Call, method), place, seen))
        _watch_rest(patch, seen)
        yield seen


def _naming(unwatched: Any, place: Place, seen: Seen) -> Any:
    def watched(call: Call, name: str, *given: str) -> Any:
        seen.read(call, place, name)
        return unwatched(call, name, *given)

    return watched


def _watch_rest(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    headers_with, take_in, document = Call.headers_with, Call.take_in, Call.document
    parse, text, response, said = xml.parse, xml.text, errors.response, Bucket.said

    def watched_headers_with(call: Call, prefix: str) -> dict[str, str]:
        seen.read(call, Place.HEADER, f"{prefix}*")
        return headers_with(call, prefix)

    async def watched_take_in(call: Call, blocks: AsyncIterator[bytes]) -> Any:
        seen.read(call, Place.BODY, "bytes")
        return await take_in(call, blocks)

    def watched_document(call: Call, body: bytes, root: str) -> Element:
        found = document(call, body, root)
        seen.begin(action_of(call.request), found)
        return found

    def watched_parse(body: bytes, root: str) -> Element:
        found = parse(body, root)
        if (action := _PUT_BY_ROOT.get(root)) is not None:
            seen.begin(action, found)
        return found

    def watched_said(bucket: Bucket, place: str, element: str) -> str:
        seen.said.add((place, element))
        return said(bucket, place, element)

    def watched_text(element: Element, path: str, default: str = "") -> str:
        seen.text(element, path)
        return text(element, path, default)

    def watched_response(request: Request, error: Exception, **given: Any) -> Any:
        seen.refused(request, error)
        return response(request, error, **given)

    patch.setattr(Call, "headers_with", watched_headers_with)
    patch.setattr(Call, "take_in", watched_take_in)
    patch.setattr(Call, "document", watched_document)
    patch.setattr(xml, "parse", watched_parse)
    patch.setattr(xml, "text", watched_text)
    patch.setattr(Bucket, "said", watched_said)
    patch.setattr(errors, "response", watched_response)


@contextmanager
def recording() -> Iterator[Seen]:
    """Watch, and refuse nothing for the record's sake: it is being made anew."""
    with pytest.MonkeyPatch.context() as patch, watching() as seen:
        patch.setattr(service, "refuse_unread", lambda *_: None)
        yield seen
