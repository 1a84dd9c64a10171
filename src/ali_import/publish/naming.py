"""Names and families of cloud images: the defaults, and what the cloud would refuse.

Pure rules, applied before any call. Source: ImportImage and ModifyImageAttribute in the
ECS API reference (ImageName, ImageFamily): 2 to 128 characters; first a letter or a
Chinese character; not beginning with ``aliyun`` or ``acs:``; without ``http://`` and
``https://``; letters, Chinese characters, digits and ``. : _ -`` only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from ali_import.disk import Architecture, BootMode, DiskImage
from ali_import.errors import ConfigurationError
from ali_import.publish import lease
from ali_import.publish.model import Target, Wanted

FAMILY_DEFAULT: Final = "ipxe"
CHARACTERS_MIN: Final = 2
CHARACTERS_MAX: Final = 128

# Letters are ASCII: the reference speaks of upper and lower case letters and of Chinese
# characters, here the CJK unified ideographs with their first extension.
_LETTER: Final = "A-Za-z\u3400-\u4dbf\u4e00-\u9fff"
_FIRST: Final = re.compile(f"[{_LETTER}]")
_FORBIDDEN: Final = re.compile(f"[^{_LETTER}0-9.:_-]")
_RESERVED: Final = ("aliyun", "acs:")
_LINKS: Final = ("http://", "https://")


@dataclass(frozen=True, kw_only=True)
class Image(Wanted):
    """A disk image file to publish, the name and family it shall have, and what else.

    What is wanted of all images is said once, in ``Options``; what is said here wins.

    Attributes:
        path: The file.
        name: Name before the suffix; None for ``FAMILY-YYYYMMDD``, the date in UTC.
        family: Image family before the suffix; None for ``ipxe``.
        suffix: What name and family end with; None for what inspecting the file says
            (nothing, ``-uefi-x86-64``, ``-uefi-arm64`` or ``-uefi-multi``).
        boot_mode: How it boots, whatever is found in it; None goes by what is found.
            With ``UEFI_PREFERRED`` it is imported for UEFI, and then set to that.
        architecture: The machines it is for, likewise.
        sha256: What the file's SHA-256 must be, in hexadecimal; "" for anything.
        as_qcow2: Send a raw disk as a compressed QCOW2 file, which is made while it is
            sent.
    """

    path: str | Path = field(kw_only=False)
    name: str | None = None
    family: str | None = None
    suffix: str | None = None
    boot_mode: BootMode | None = None
    architecture: Architecture | None = None
    sha256: str = ""
    as_qcow2: bool = False


def refusal(text: str) -> str:
    """Say why the cloud would refuse ``text`` as a name or family; "" if it would not."""
    if len(text) < CHARACTERS_MIN:
        return f"is too short: at least {CHARACTERS_MIN} characters are needed"
    if len(text) > CHARACTERS_MAX:
        return f"has {len(text)} characters, at most {CHARACTERS_MAX} are allowed"
    for link in _LINKS:
        if link in text:
            return f"contains {link}"
    for prefix in _RESERVED:
        if text.lower().startswith(prefix):  # every region refuses ALIYUN too
            return f"begins with {prefix}, which is reserved by Alibaba Cloud; choose another"
    if not _FIRST.match(text):
        return "does not begin with a letter or a Chinese character"
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        return (
            f"contains {forbidden[0]!a}; letters, Chinese characters, digits "
            "and . : _ - are allowed"
        )
    return ""


def targets(
    images: Sequence[Image], inspected: Sequence[DiskImage], *, today: date
) -> tuple[Target, ...]:
    """Give every image its name and family, each with the image's own suffix.

    Args:
        images: What the caller wants each file to be called.
        inspected: What was learned from each file, in the same order.
        today: The day in the default name.

    Raises:
        ConfigurationError: The cloud would refuse a name or a family, or two images
            would get the same name.
    """
    made = tuple(
        _target(image, disk, today)
        for image, disk in zip(images, inspected, strict=True)
    )
    _check_distinct(made)
    return made


def _target(image: Image, disk: DiskImage, today: date) -> Target:
    family = FAMILY_DEFAULT if image.family is None else image.family
    _check("image family", family)
    if image.name is None:
        name = f"{family}-{today:%Y%m%d}"
        _check("the default image name", name)
    else:
        name = image.name
        _check("image name", name)
    if name.casefold().startswith(lease.PREFIX):
        raise ConfigurationError(
            f"image name {_shown(name)}: names beginning with {lease.PREFIX} belong to "
            "temporary images, which `ali-import cleanup` removes",
            advice="choose another name or family",
        )
    suffix = disk.suffix if image.suffix is None else image.suffix
    made = Target(
        image=disk,
        name=name + suffix,
        family=family + suffix,
        wanted=image.over(Wanted()),
    )
    _check_suffixed(made, suffix)
    return made


def _check(what: str, text: str) -> None:
    reason = refusal(text)
    if reason:
        raise ConfigurationError(f"{what}: {_shown(text)} {reason}")


def _check_suffixed(target: Target, suffix: str) -> None:
    for what, text in (("name", target.name), ("family", target.family)):
        if reason := refusal(text):
            raise ConfigurationError(
                f"{target.image.path}: image {what} {_shown(text)}, with its suffix "
                f"{_shown(suffix)}, {reason}",
                advice=(
                    f"choose a shorter {what}"
                    if len(text) > CHARACTERS_MAX
                    else "choose another suffix"
                ),
            )


def _check_distinct(made: Sequence[Target]) -> None:
    first: dict[str, Target] = {}
    for target in made:
        other = first.setdefault(target.name, target)
        if other is not target:
            raise ConfigurationError(
                f"{other.image.path} and {target.image.path} would both be named "
                f"{target.name}: they are for the same kind of machine",
                advice="publish them one at a time, each with its own name",
            )


def _shown(text: str) -> str:
    """Quote ``text`` for a message, on one line and not too long."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
