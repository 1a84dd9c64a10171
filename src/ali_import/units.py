"""Units of size and time; every other module takes them from here."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
TIB: Final = 1024 * GIB

MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0


def round_up(value: int, step: int) -> int:
    """Return the smallest multiple of ``step`` that is not below ``value``."""
    return -(-value // step) * step


_SIZES: Final = ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB"))


def sized(size_bytes: int) -> str:
    """Return a size for people: ``40 GiB``, ``1.4 MiB``, ``512 bytes``."""
    for unit, name in _SIZES:
        if size_bytes >= unit:
            value = f"{size_bytes / unit:.1f}".removesuffix(".0")
            return f"{value} {name}"
    return f"{size_bytes} bytes"
