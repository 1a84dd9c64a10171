"""An Alibaba Cloud on this machine, for trying, testing and rehearsing faults."""

from typing import Final

__all__ = ["__version__"]

__version__: Final = "0.1.0"
