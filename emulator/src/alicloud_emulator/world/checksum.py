"""Checksums: CRC-64 as object storage computes it, and those of S3's clients.

The polynomial is ECMA-182's in reflected form, the register starts at all ones and is
inverted at the end: the CRC-64 of the xz format. The official OSS SDKs compare it with
the header ``x-oss-hash-crc64ecma``.
"""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from operator import xor
from typing import Protocol

import crcmod

_POLYNOMIAL = 0x142F0E1EBA9EA3693
_BITS = 64
# x**0 and the polynomial's low terms, in the reflected order in which the register
# holds them: bit 63 is the coefficient of x**0.
_ONE = 1 << (_BITS - 1)
_REFLECTED = int(f"{_POLYNOMIAL & ((1 << _BITS) - 1):064b}"[::-1], 2)


# Made once: its table of 256 entries takes longer than many an object.
_crc64 = crcmod.mkCrcFun(_POLYNOMIAL, initCrc=0, rev=True, xorOut=0xFFFF_FFFF_FFFF_FFFF)


class Crc64:
    """A CRC-64 that is fed block by block.

    Attributes:
        value: The CRC of all bytes so far.
    """

    def __init__(self) -> None:
        self.value = 0

    def update(self, data: bytes) -> None:
        """Take in more bytes."""
        self.value = int(_crc64(data, self.value))


def crc64(data: bytes) -> int:
    """Return the CRC-64 of ``data``."""
    return int(_crc64(data))


def crc64_joined(first: int, second: int, second_length: int) -> int:
    """Return the CRC of two texts one after the other, from the CRC of each.

    Appending n bytes multiplies the first CRC by x**(8 n) modulo the polynomial; the
    start value and the final inversion cancel out.

    Args:
        first: CRC of the first text.
        second: CRC of the second text.
        second_length: Length of the second text in bytes.
    """
    if first == 0:
        return second  # nothing to shift
    shifted = 0
    for row in _rows(second_length):
        shifted ^= row[first & 0xF]
        first >>= 4
    return shifted ^ second


def _times(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's, in reflected bit order."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & ((1 << _BITS) - 1)
        b = (b >> 1) ^ (_REFLECTED if b & 1 else 0)
    return product


@lru_cache(maxsize=64)  # the parts of an upload are mostly of one length
def _rows(length: int) -> tuple[tuple[int, ...], ...]:
    """Return what ``length`` more bytes make of each four bits of a CRC, low ones first.

    Multiplying is linear, so that a CRC of 64 bits takes 16 look-ups and not 64 steps: an
    upload may have 10,000 parts.
    """
    product = _x_to_the(8 * length)
    bits = []  # of x**0 times the product first, which is the highest bit's
    for _ in range(_BITS):
        bits.append(product)
        product = (product >> 1) ^ (_REFLECTED if product & 1 else 0)
    bits.reverse()
    return tuple(
        tuple(
            reduce(xor, (bits[low + bit] for bit in range(4) if four >> bit & 1), 0)
            for four in range(16)
        )
        for low in range(0, _BITS, 4)
    )


def _x_to_the(power: int) -> int:
    """Return x**power modulo the CRC's polynomial, by squaring."""
    result, square = _ONE, _ONE >> 1
    while power:
        if power & 1:
            result = _times(result, square)
        square = _times(square, square)
        power >>= 1
    return result


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


# Castagnoli's polynomial (iSCSI, RFC 3720), and that of the NVMe specification.
_crc32c = crcmod.mkCrcFun(0x1_1EDC_6F41, initCrc=0, rev=True, xorOut=0xFFFF_FFFF)
_crc64nvme = crcmod.mkCrcFun(
    0x1_AD93_D235_94C9_3659, initCrc=0, rev=True, xorOut=0xFFFF_FFFF_FFFF_FFFF
)

DIGESTS: Mapping[str, Callable[[], Digest]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(_crc32c, 4),
    "crc64nvme": lambda: _Crc(_crc64nvme, 8),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
"""Checksums that S3's clients send, by the end of their header's name."""
