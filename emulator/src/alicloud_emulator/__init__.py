"""An Alibaba Cloud on this machine, for trying, testing and rehearsing faults."""

__all__ = ["__version__"]

__version__ = "0.1.0"
