"""Nonces seen lately."""

from hashlib import blake2b
from mmap import mmap

_GENERATION_MAX = 100_000
"""Nonces in one generation. Two are kept."""

_SLOTS = 2**18
"""Of 8 bytes, in one generation: 2 MB. Less than half of them are ever taken, so that a
nonce is found in a step or two."""


class Nonces:
    """Remembers nonces for at least ``window_s`` seconds, in 4 MB at most.

    Two generations are kept; when the younger is full or ``window_s`` old, the older is
    forgotten. Under a flood (more than 100,000 calls in the window) a replayed nonce
    may therefore pass: better than growing without end.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._since = 0.0
        self._young = _Generation()
        self._old = _Generation()

    def first_use(self, owner: str, nonce: str, now: float) -> bool:
        """Note a nonce; False if it was used already.

        Args:
            owner: Access key id: nonces of different keys do not collide.
            nonce: The nonce.
            now: Unix time in seconds.
        """
        digest = blake2b(f"{owner}\n{nonce}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest) or 1
        if self._young.size >= _GENERATION_MAX or now - self._since > self._window_s:
            self._old, self._young, self._since = self._young, _Generation(), now
        return key not in self._old and self._young.add(key)


class _Generation:
    """Numbers above 0, in a table of one size; a set would grow with each of them.

    Its memory is the system's own, which gives it page by page when it is used.
    """

    def __init__(self) -> None:
        self._slots = memoryview(mmap(-1, 8 * _SLOTS)).cast("Q")
        self.size = 0

    def __contains__(self, key: int) -> bool:
        return self._slots[self._slot(key)] == key

    def add(self, key: int) -> bool:
        """Add a number; False if it is there already."""
        slot = self._slot(key)
        if self._slots[slot] == key:
            return False
        self._slots[slot] = key
        self.size += 1
        return True

    def _slot(self, key: int) -> int:
        """Return where a number is, or the free place where it belongs."""
        slots, slot = self._slots, key % _SLOTS
        while slots[slot] not in (0, key):
            slot = (slot + 1) % _SLOTS
        return slot
