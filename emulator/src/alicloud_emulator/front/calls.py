"""The last calls as people look at them: whole, and without their secrets.

Bodies are remembered by their beginning only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from alicloud_emulator.front.body import BEGINNING_BYTES_MAX

REDACTED = "(redacted)"

_NOT_SECRET = {"clienttoken", "nexttoken", "continuationtoken", "signaturemethod"}
_NOT_SECRET |= {"signatureversion", "signaturenonce", "xossignatureversion"}
_SECRET = re.compile(
    "secret|signature$|token|password|passwd|plaintext|authorization|cookie|privatekey",
    re.IGNORECASE,
)
_NAME = r"[A-Za-z][\w.:-]*"
_FIELDS = (
    # JSON, XML and forms; each: what stands before a value, and the value.
    re.compile(rf'(?P<before>"(?P<name>{_NAME})"\s*:\s*)(?P<value>"(?:[^"\\]|\\.)*"?)'),
    re.compile(rf"(?P<before><(?P<name>{_NAME})>)(?P<value>[^<]+)"),
    re.compile(rf"(?P<before>(?:^|[?&\s])(?P<name>{_NAME})=)(?P<value>[^&\s]+)"),
)
_KEY_OF = re.compile(r"(?:Credential=|OSSAccessKeyId=)[\w.-]+|^[\w.-]+(?=:)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An answer as it was on the wire.

    Attributes:
        status: 0 where there was none.
        body: Its beginning; nothing of what is read from a file.
        size: Bytes of the body; None where nobody knows before they are sent.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    size: int | None = 0


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A request and its answer, as they were on the wire.

    Attributes:
        body: The beginning of the request's body.
        size: Bytes of it.
    """

    method: str
    host: str
    scheme: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    size: int
    answer: Answered

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "request": {
                "line": f"{self.method} {redacted(self.target)}",
                "url": f"{self.scheme}://{self.host}{redacted(self.target)}",
                "headers": _headers(self.headers),
                "body": _text(self.body),
                "size": self.size,
                "shown": min(self.size, BEGINNING_BYTES_MAX),
            },
            "answer": {
                "status": self.answer.status,
                "headers": _headers(self.answer.headers),
                "body": _text(self.answer.body),
                "size": self.answer.size,
                "shown": len(self.answer.body),
            },
        }


def redacted(text: str) -> str:
    """Return a text with the values of whatever is called a secret taken out."""
    for pattern in _FIELDS:
        text = pattern.sub(_without_secret, text)
    return text


def _without_secret(match: re.Match[str]) -> str:
    if not _is_secret(unquote_plus(match["name"])):
        return match[0]
    quote = '"' if match["value"].startswith('"') else ""
    return f"{match['before']}{quote}{REDACTED}{quote}"


def _is_secret(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain not in _NOT_SECRET and _SECRET.search(plain) is not None


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _header(name, value) for name, value in headers.items()}


def _header(name: str, value: str) -> str:
    """Return a header's value; of a signature remain its way and its key."""
    if name.lower() == "authorization":
        way, _, rest = value.partition(" ")
        key = _KEY_OF.search(rest)
        return " ".join(filter(None, (way, key and key[0], REDACTED)))
    return REDACTED if _is_secret(name) else redacted(value)


def _text(body: bytes) -> str | None:
    """Return a body's beginning if it is text, else None."""
    try:
        # The cut may go through a character.
        text = body.decode(
            "utf-8", "strict" if len(body) < BEGINNING_BYTES_MAX else "ignore"
        )
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    return redacted(text)
