"""Local disk images: what a file holds and which machines can boot it.

Knows no network and no clock, runs no other program, and trusts nothing in the file.
"""

from ali_import.disk.efi import Architecture
from ali_import.disk.image import DiskImage, inspect
from ali_import.disk.inspection import BootMode, Inspection, examine
from ali_import.disk.reader import content_sha256

__all__ = [
    "Architecture",
    "BootMode",
    "DiskImage",
    "Inspection",
    "content_sha256",
    "examine",
    "inspect",
]
