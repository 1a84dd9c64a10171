"""How single values are written, on the command line and in a release file.

Each function takes a text and returns its value, or raises ValueError, whose text says
what is wrong and what is allowed.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from ali_import.units import HOUR_S, MINUTE_S

_REGION: Final = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,24}){1,5}")
_ROLE: Final = re.compile(r"[A-Za-z0-9.@_-]{1,64}")
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smh]?)", re.ASCII)
_UNITS_S: Final = {"": 1.0, "s": 1.0, "m": MINUTE_S, "h": HOUR_S}
_TIMEOUT_S_MAX: Final = 7 * 24 * HOUR_S
_AGE: Final = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_AGES_S: Final = {"h": HOUR_S, "d": 24 * HOUR_S, "w": 7 * 24 * HOUR_S}
_AGE_S_MAX: Final = 3650 * 24 * HOUR_S
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def region(text: str) -> str:
    """Return a region id."""
    if not _REGION.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a region id such as cn-hangzhou")
    return text


def role(text: str) -> str:
    """Return the name of a RAM role."""
    if not _ROLE.fullmatch(text):
        raise ValueError(
            f"{shown(text)} is not a RAM role name: 1 to 64 letters, digits, and . @ _ - "
            "(the name alone, not its ARN)"
        )
    return text


def timeout(text: str) -> float:
    """Return seconds."""
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if not 0 < seconds <= _TIMEOUT_S_MAX:
        raise ValueError(
            f"{shown(text)} is not a time such as 900, 90m or 2h, more than 0 and at most "
            "168h"
        )
    return seconds


def age(text: str) -> float:
    """Return seconds."""
    match = _AGE.fullmatch(text)
    seconds = float(match[1]) * _AGES_S[match[2]] if match else 0.0
    if not HOUR_S <= seconds <= _AGE_S_MAX:
        raise ValueError(
            f"{shown(text)} is not a time such as 12h, 90d or 8w, at least 1h and at most "
            "3650d"
        )
    return seconds


_ACCOUNT: Final = re.compile(r"[0-9]{5,20}")
_LINKS: Final = ("http://", "https://")
_TAG_RESERVED: Final = ("aliyun", "acs:", "ali-import:")


def account(text: str) -> str:
    """Return the id of an account."""
    if not _ACCOUNT.fullmatch(text):
        raise ValueError(f"{shown(text)} is no account id, which has 5 to 20 digits")
    return text


def tag(text: str) -> tuple[str, str]:
    """Return the key and the value of a tag, ``KEY=VALUE``."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{shown(text)} is not KEY=VALUE")
    return checked_tag(key, value)


def checked_tag(key: str, value: str) -> tuple[str, str]:
    """Return a tag that the cloud takes and that is not one of this tool's."""
    reserved = next((r for r in _TAG_RESERVED if key.lower().startswith(r)), None)
    if reserved:
        raise ValueError(f"tag {shown(key)} begins with {reserved}, which is taken")
    if not 1 <= len(key) <= 128 or len(value) > 128:
        raise ValueError(
            f"tag {shown(key)}: a key has 1 to 128 characters, a value at most 128"
        )
    if any(link in text for text in (key, value) for link in _LINKS):
        raise ValueError(f"tag {shown(key)} holds a link, which no tag may")
    return key, value


def description(text: str) -> str:
    """Return what the console is to show of an image."""
    if not 2 <= len(text) <= 256 or text.startswith(_LINKS):
        raise ValueError(
            f"{shown(text)} is no description: 2 to 256 characters, and no link in front"
        )
    return text


def setting(text: str) -> tuple[str, str]:
    """Return the key and the value of ``KEY=VALUE``."""
    key, equals, value = text.partition("=")
    if not equals or not _KEY.fullmatch(key):
        raise ValueError(
            f"{shown(text)} is not KEY=VALUE; a key is made of letters, digits, _ and -, "
            "and begins with a letter or _"
        )
    return key, value


def shown(value: object) -> str:
    """Quote a value for a message, on one line and not too long."""
    quoted = ascii(value)
    return quoted if len(quoted) <= 50 else quoted[:45] + "..."


def meant(text: str, known: Iterable[str]) -> str:
    """Return the question which of ``known`` was meant, to begin an advice with, or ""."""
    near = get_close_matches(text, list(known), n=1, cutoff=0.7)
    return f"did you mean {near[0]}? " if near else ""
