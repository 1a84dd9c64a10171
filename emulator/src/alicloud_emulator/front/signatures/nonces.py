"""Nonces seen lately."""

from hashlib import blake2b

_GENERATION_MAX = 100_000
"""Nonces in one generation: about 8 MB. Two are kept."""


class Nonces:
    """Remembers nonces for at least ``window_s`` seconds, in bounded memory.

    Two generations are kept; when the younger is full or ``window_s`` old, the older is
    forgotten. Under a flood (more than 100,000 calls in the window) a replayed nonce
    may therefore pass: better than growing without end.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._since = 0.0
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def first_use(self, owner: str, nonce: str, now: float) -> bool:
        """Note a nonce; False if it was used already.

        Args:
            owner: Access key id: nonces of different keys do not collide.
            nonce: The nonce.
            now: Unix time in seconds.
        """
        key = blake2b(f"{owner}\n{nonce}".encode(), digest_size=12).digest()
        if key in self._young or key in self._old:
            return False
        if len(self._young) >= _GENERATION_MAX or now - self._since > self._window_s:
            self._old, self._young, self._since = self._young, set(), now
        self._young.add(key)
        return True
