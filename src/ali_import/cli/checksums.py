"""Checksums that files must have: given one by one, or in a file such as SHA256SUMS."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ali_import import ConfigurationError
from ali_import.cli.arguments import STDIN

# What a list of checksums may have at most, so that an image given in its place does
# not fill the memory.
_LIST_BYTES_MAX: Final = 1024 * 1024

_PAIR: Final = re.compile(r"(.+)=([0-9a-fA-F]{64})", re.DOTALL)
# As sha256sum writes them, and as BSD does. The latter also has lines of other hashes.
_LINES: Final = (
    re.compile(r"(?P<sum>[0-9a-fA-F]{64}) [ *](?P<name>.+)"),
    re.compile(r"SHA256 ?\((?P<name>.+)\) ?= ?(?P<sum>[0-9a-fA-F]{64})"),
)


def expected_sums(images: Sequence[Path], given: Sequence[str]) -> Mapping[Path, str]:
    """Return the SHA-256 that every image must have; nothing if none were given.

    Args:
        images: The files to publish.
        given: ``FILE=HEX``, or the name of a list. A line of a list is about the image
            of that name beside it or, if there is none, anywhere.

    Raises:
        ConfigurationError: A list cannot be read, or an image has no sum, or two.
    """
    found: dict[Path, set[str]] = {image: set() for image in images}
    for text in given:
        pair = _PAIR.fullmatch(text)
        if pair is None:
            _add_listed(found, Path(text))
            continue
        path = Path(STDIN if pair[1] == "-" else pair[1])
        if path not in found:
            raise _wrong(text, "names none of the images", "write FILE as IMAGE")
        found[path].add(pair[2].lower())
    if not given:
        return {}
    for image, sums in found.items():
        if len(sums) != 1:
            raise ConfigurationError(
                f"--sha256: {image} has {'two different sums' if sums else 'no sum'}",
                advice="if one image has a checksum, every image needs one",
            )
    return {image: next(iter(sums)) for image, sums in found.items()}


def _add_listed(found: Mapping[Path, set[str]], path: Path) -> None:
    """Add what a list says of the images.

    Raises:
        ConfigurationError: It cannot be read, or is no list.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LIST_BYTES_MAX + 1)
        if len(data) > _LIST_BYTES_MAX:
            raise _wrong(path, "is too long for a list of checksums")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise _wrong(
            path, f"is not FILE=HEX, and not a list that can be read ({reason})"
        ) from error
    listed = list(_listed(data.decode(errors="surrogateescape")))
    if not listed:
        raise _wrong(path, "holds no SHA-256 sums")
    for image, sums in found.items():
        beside = {
            sum_ for name, sum_ in listed if _same_file(path.parent / name, image)
        }
        named = {sum_ for name, sum_ in listed if Path(name).name == image.name}
        sums.update(beside or named)


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        for pattern in _LINES:
            if match := pattern.fullmatch(line):
                yield match["name"], match["sum"].lower()


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _wrong(what: str | Path, why: str, advice: str = "") -> ConfigurationError:
    return ConfigurationError(
        f"--sha256 {what}: {why}",
        advice=advice or "give FILE=HEX, with 64 hexadecimal digits, or a SHA256SUMS",
    )
