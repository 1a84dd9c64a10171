"""Publish bootable disk images to every Alibaba Cloud region."""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
