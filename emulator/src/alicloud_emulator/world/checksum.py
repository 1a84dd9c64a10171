"""Checksums: CRC-64 as object storage computes it, and those of S3's clients.

The polynomial is ECMA-182's in reflected form, the register starts at all ones and is
inverted at the end: the CRC-64 of the xz format. The official OSS SDKs compare it with
the header ``x-oss-hash-crc64ecma``.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import anycrc

_CRC64 = anycrc.Model("CRC64-XZ")


class Crc64:
    """A CRC-64 that is fed block by block.

    Attributes:
        value: The CRC of all bytes so far.
    """

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes) -> None:
        """Take in more bytes."""
        self.value = int(_CRC64.calc(data, self.value))


def crc64(data: bytes) -> int:
    """Return the CRC-64 of ``data``."""
    return int(_CRC64.calc(data))


def crc64_joined(first: int, second: int, second_length: int) -> int:
    """Return the CRC of two texts one after the other, from the CRC of each.

    Args:
        first: CRC of the first text.
        second: CRC of the second text.
        second_length: Length of the second text in bytes.
    """
    return int(_CRC64.combine(first, second, second_length))


class Digest(Protocol):
    """A checksum that is fed block by block."""

    def update(self, data: bytes, /) -> None:
        """Take in more bytes."""
        ...

    def digest(self) -> bytes:
        """Return the checksum of all bytes so far."""
        ...


class _Crc:
    """A CRC of 32 or 64 bits, whose bytes come most significant first."""

    def __init__(self, crc: Callable[[bytes, int], int], size: int) -> None:
        self._crc = crc
        self._size = size
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = int(self._crc(data, self._value))

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


_CRC32C = anycrc.Model("CRC32-ISCSI")  # Castagnoli's polynomial, RFC 3720
_CRC64NVME = anycrc.Model("CRC64-NVME")

DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(_CRC32C.calc, 4),
    "crc64nvme": lambda: _Crc(_CRC64NVME.calc, 8),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
"""Checksums that S3's clients send, by the end of their header's name."""
