"""The keys of a release file: what each may hold, and the field that it becomes.

Each reader takes what TOML gives, and raises ValueError that says what is allowed.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from ali_import import syntax
from ali_import.disk import Architecture, BootMode
from ali_import.publish.naming import refusal
from ali_import.publish.wanted import ACCOUNTS_MAX

_TAGS_MAX: Final = 10
"""An image has at most 20, and this tool needs some."""

_BOOT_MODES: Final = {
    "bios": BootMode.BIOS,
    "uefi": BootMode.UEFI,
    "uefi-preferred": BootMode.UEFI_PREFERRED,
}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong_value(value, "true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_value(value, "a text in quotes")
    return value


def name(value: Any) -> str:
    """Return a name or a family that the cloud takes."""
    reason = refusal(_text(value))
    if reason:
        raise ValueError(f"{syntax.shown(value)} {reason}")
    return str(value)


def _role(value: Any) -> str:
    return syntax.role(_text(value))


def _timeout(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return syntax.timeout(_text(value))


def _boot_mode(value: Any) -> BootMode:
    return _BOOT_MODES[_one_of(value, _BOOT_MODES)]


def _architecture(value: Any) -> Architecture:
    return Architecture(_one_of(value, list(Architecture)))


def _as_qcow2(value: Any) -> bool:
    return _one_of(value, ["qcow2"]) == "qcow2"


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise wrong_value(value, "a whole number, 1 or more")
    return value


def _age(value: Any) -> float:
    return syntax.age(_text(value))


def _one_of(value: Any, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise wrong_value(value, " or ".join(f'"{each}"' for each in allowed))
    return str(value)


def _sha256(value: Any) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", _text(value)):
        raise wrong_value(value, "64 hexadecimal digits")
    return str(value).lower()


def _regions(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(syntax.region, _texts(value))))


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(each, str) for each in value
    ):
        raise wrong_value(
            value, 'a list of texts, such as ["cn-hangzhou", "eu-central-1"]'
        )
    return list(value)


def wrong_value(value: Any, allowed: str) -> ValueError:
    """Return the error that says what is allowed instead of a value."""
    return ValueError(f"{syntax.shown(value)} is not {allowed}")


def _accounts(value: Any) -> tuple[str, ...]:
    accounts = tuple(dict.fromkeys(map(syntax.account, _texts(value))))
    if len(accounts) > ACCOUNTS_MAX:
        raise ValueError(
            f"{len(accounts)} accounts; at most {ACCOUNTS_MAX} are allowed"
        )
    return accounts


def _tags(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(
        isinstance(each, str) for each in value.values()
    ):
        raise wrong_value(value, 'a table of texts, such as { project = "debian" }')
    if len(value) > _TAGS_MAX:
        raise ValueError(f"{len(value)} tags; at most {_TAGS_MAX} are allowed")
    return dict(syntax.checked_tag(key, each) for key, each in value.items())


WANTED: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "public": ("public", _flag),
    "share": ("share", _accounts),
    "tag": ("tags", _tags),
    "description": ("description", lambda value: syntax.description(_text(value))),
    "nvme": ("nvme", lambda value: _one_of(value, ("supported", "unsupported"))),
    "imds": ("imds", lambda value: _one_of(value, ("v1", "v2"))),
}
"""Keys that say what is wanted of images that stand, of all or of one."""

WANTED_FIELDS: Final = tuple(field for field, _ in WANTED.values())

OPTIONS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    **WANTED,
    "overwrite": ("overwrite", _flag),
    "all-or-nothing": ("all_or_nothing", _flag),
    "detect": ("detect", _flag),
    "region": ("regions", _regions),
    "except": ("excluded", lambda value: frozenset(_regions(value))),
    "allow-failure": ("allow_failure", lambda value: frozenset(_regions(value))),
    "role": ("role", _role),
    "timeout": ("timeout_s", _timeout),
}
"""Keys that say something about all images, the field of ``Options``, and the reader."""

ABOUT_AN_IMAGE: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "name": ("name", name),
    "family": ("family", name),
    "boot-mode": ("boot_mode", _boot_mode),
    "architecture": ("architecture", _architecture),
    "as": ("as_qcow2", _as_qcow2),
}
"""Keys that may also differ from image to image, and the field of ``Image``."""

OF_ONE_IMAGE: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    **ABOUT_AN_IMAGE,
    **WANTED,
    "sha256": ("sha256", _sha256),
}
"""Keys of an image's own table."""

ABOUT_PRUNING: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "keep": ("keep", _count),
    "deprecate": ("deprecate", _flag),
    "delete-after": ("delete_after_s", _age),
}
"""Keys of the table ``prune``, and the field of ``Retention``."""

PRUNE: Final = "prune"
IMAGE: Final = "image"
FILE: Final = "file"
KEYS: Final = (*ABOUT_AN_IMAGE, *OPTIONS, IMAGE, PRUNE)
IMAGE_KEYS: Final = (FILE, *OF_ONE_IMAGE)
