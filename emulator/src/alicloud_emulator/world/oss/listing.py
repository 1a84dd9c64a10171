"""Pages of keys: prefix, delimiter, marker and how many."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from alicloud_emulator.world.oss.refusals import refusal

# Sorts after every key that begins with what stands before it.
LAST = chr(0x10FFFF)


class Keys(Protocol):
    """Keys in order."""

    def from_key(self, start: str) -> Iterator[str]:
        """Yield the keys from ``start`` on."""
        ...


@dataclass(kw_only=True)
class Page:
    """One page of a listing.

    Attributes:
        keys: Keys on the page.
        prefixes: What keys with the delimiter were rolled up into.
        next_marker: Where the next page starts (after it); "" on the last page.
    """

    keys: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    next_marker: str = ""

    @property
    def truncated(self) -> bool:
        """Whether more pages follow."""
        return bool(self.next_marker)

    def __len__(self) -> int:
        return len(self.keys) + len(self.prefixes)


def page_of_keys(
    keys: Keys, *, prefix: str, delimiter: str, after: str, size: int
) -> Page:
    """Return the keys with ``prefix`` that sort after ``after``, up to ``size``.

    Keys that hold ``delimiter`` behind the prefix are rolled up into one entry, which
    counts as one. ``after`` may be such an entry: all it stands for is skipped.
    """
    page = Page()
    if size == 0:
        return page
    start = max(prefix, after)
    if after and rolled_up(after, prefix, delimiter) == after:
        start = after + LAST
    while True:
        entry = _next_entry(keys, start, prefix, delimiter, after)
        if entry is None:
            return page
        key, rolled = entry
        if len(page) == size:
            page.next_marker = max([*page.keys[-1:], *page.prefixes[-1:]])
            return page
        if rolled:
            page.prefixes.append(key)
            start = key + LAST
        else:
            page.keys.append(key)
            start = key + "\0"


def _next_entry(
    keys: Keys, start: str, prefix: str, delimiter: str, after: str
) -> tuple[str, bool] | None:
    """Return the next key or rolled-up prefix from ``start`` on, and which it is."""
    for key in keys.from_key(start):
        if not key.startswith(prefix):
            return None
        if key == after:
            continue
        rolled = rolled_up(key, prefix, delimiter)
        return rolled or key, bool(rolled)
    return None


def rolled_up(key: str, prefix: str, delimiter: str) -> str:
    """Return the entry that a key is rolled up into, or ""."""
    if not delimiter or not key.startswith(prefix):
        return ""
    at = key.find(delimiter, len(prefix))
    return "" if at < 0 else key[: at + len(delimiter)]


def page_size(text: str, name: str, *, usual: int = 100, limit: int = 1000) -> int:
    """Read a page size such as max-keys.

    Raises:
        ServiceError: InvalidArgument: not a number from 0 to limit.
    """
    if not text:
        return usual
    number = text.isascii() and text.isdigit() and len(text) < 10
    if not number or int(text) > limit:
        raise refusal(
            "InvalidArgument",
            f"Argument {name} must be an integer between 0 and {limit}.",
            ArgumentName=name,
            ArgumentValue=text[:64],
        )
    return int(text)
