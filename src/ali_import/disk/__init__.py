"""Local disk images: what a file holds and which machines can boot it.

Knows no network and no clock, runs no other program, and trusts nothing in the file.
"""

from ali_import.disk.image import Architecture, BootMode, DiskImage, inspect
from ali_import.disk.reader import content_sha256

__all__ = ["Architecture", "BootMode", "DiskImage", "content_sha256", "inspect"]
