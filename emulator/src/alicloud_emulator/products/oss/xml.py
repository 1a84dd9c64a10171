"""XML documents in and out.

Out: nested tuples become text. In: through defusedxml, bounded, without namespaces.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from xml.etree.ElementTree import Element, ParseError, indent, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from alicloud_emulator.world.oss.refusals import refusal

Node = tuple[str, "str | int | Sequence[Node] | None"]
"""A name, and its text, number, truth value or children; None leaves the node out."""

BODY_BYTES_MAX = 1024 * 1024
_DEPTH_MAX = 20

# Stands for control characters while a document is parsed: the last private plane. Such
# characters in the document itself, raw or as numbers, follow the one after these.
_PRIVATE = 0x10FF00
_ESCAPE = chr(_PRIVATE + 0x20)
_CONTROL_HIDDEN = re.compile(
    f"{_ESCAPE}(.)|[{chr(_PRIVATE)}-{chr(_PRIVATE + 0x1F)}]", re.DOTALL
)
_PRIVATE_IN = re.compile(
    rb"\xf4\x8f\xbc[\x80-\xa0]"
    rb"|&#x0*10[fF]{2}(?:[01][0-9a-fA-F]|20);"
    rb"|&#0*11138(?:5[6-9]|[67][0-9]|8[0-8]);"
)
_CONTROL_IN = re.compile(
    rb"([\x00-\x08\x0b\x0c\x0e-\x1f])"
    rb"|&#x0*(1?[0-9a-fA-F]);"
    rb"|&#0*([0-9]|[12][0-9]|3[01]);"
)

# What UTF-8 or XML cannot hold at all; a replacement character stands for it. Control
# characters go out as they are, though XML 1.0 forbids them: so does OSS, and who lists
# such keys without encoding-type=url needs a lenient parser (Node.js SDKs have one).
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")


def document(*roots: Node) -> bytes:
    """Return a document of one root (with its children) in UTF-8, line by line."""
    text = "\n".join(filter(None, (_text(root, "") for root in roots)))
    return told(text)


def told(text: str) -> bytes:
    """Return a root's text as a document, which ends with a line, as seen in life."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def fragment(nodes: Sequence[Node]) -> str:
    """Return nodes as text, one after the other."""
    return "".join(_text(node) for node in nodes)


def _text(node: Node, indent: str | None = None) -> str:
    """Return a node as text: on lines of its own, two blanks further in a level.

    Args:
        node: The node.
        indent: Blanks before it; None for a text without lines.
    """
    name, value = node
    match value:
        case None:
            return ""
        case bool():
            inner = "true" if value else "false"
        case str() | int():
            inner = escape(_FORBIDDEN.sub("\ufffd", str(value)), quote=False)
            # Parsers make line feeds of plain carriage returns.
            inner = inner.replace("\r", "&#13;")
        case _:
            inner = _children(value, indent)
    return f"{indent or ''}<{name}>{inner}</{name}>"


def _children(nodes: Sequence[Node], indent: str | None) -> str:
    if indent is None:
        return fragment(nodes)
    lines = list(filter(None, (_text(node, f"{indent}  ") for node in nodes)))
    return "\n".join(["", *lines, indent]) if lines else ""


def parse(body: bytes, root: str) -> Element:
    """Return the root element of a document.

    Args:
        body: The document.
        root: The name that its root must have.

    Raises:
        ServiceError: MalformedXML.
    """
    try:
        element: Element = fromstring(_hide_controls(body), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise refusal("MalformedXML") from error
    if _is_deep(element):
        raise refusal("MalformedXML")
    for each in element.iter():
        # A default namespace (some SDKs send one) makes tags "{uri}Name".
        each.tag = each.tag.rpartition("}")[2]
    if element.tag != root:
        raise refusal(
            "MalformedXML",
            ec="0016-00000608",
            ErrorDetail=f"the root node is not named {root}.",
        )
    return element


def written(root: Element) -> str:
    """Return a parsed document as text, each element on a line of its own."""
    indent(root)
    text = tostring(root, encoding="unicode", short_empty_elements=False)
    return _show_controls(text)


def lower_truth(root: Element) -> None:
    """Make ``true`` of "True", which Python programs write: so does OSS."""
    for each in root.iter():
        if each.text in ("True", "False"):
            each.text = each.text.lower()


def _is_deep(root: Element) -> bool:
    """Whether elements nest deeper than OSS's ever do; writing them out recurses."""
    level = [root]
    for _ in range(_DEPTH_MAX):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


def base64(data: bytes) -> str:
    """Return bytes as the text they are in headers."""
    return b64encode(data).decode()


def text(element: Element, path: str, default: str = "") -> str:
    """Return the text under ``path``, or ``default`` if there is no such element."""
    found = element.find(path)
    return default if found is None else _show_controls(found.text or "")


def _hide_controls(body: bytes) -> bytes:
    """Put private characters where XML 1.0 forbids control characters.

    Keys may hold them, SDKs write them (raw or as ``&#1;``) and OSS reads them.
    """

    def hidden(match: re.Match[bytes]) -> bytes:
        raw, hexadecimal, decimal = match.groups()
        number = (
            ord(raw) if raw else int(hexadecimal or decimal, 16 if hexadecimal else 10)
        )
        return chr(_PRIVATE + number).encode()

    escaped = _PRIVATE_IN.sub(lambda match: _ESCAPE.encode() + match[0], body)
    return _CONTROL_IN.sub(hidden, escaped)


def _show_controls(text: str) -> str:
    return _CONTROL_HIDDEN.sub(
        lambda match: match[1] or chr(ord(match[0]) - _PRIVATE), text
    )


def tags_of(element: Element) -> dict[str, str]:
    """Read ``<Tagging><TagSet><Tag><Key/><Value/></Tag>...``.

    Raises:
        ServiceError: MalformedXML: no tag set; InvalidTag: a key comes twice.
    """
    tag_set = element.find("TagSet")
    if tag_set is None:
        raise refusal("MalformedXML")
    tags: dict[str, str] = {}
    for tag in tag_set.findall("Tag"):
        key = text(tag, "Key")
        if key in tags:
            raise refusal("InvalidTag")
        tags[key] = text(tag, "Value")
    return tags
