"""The relay: an HTTP transport whose far end is a function inside a region.

``handler.py`` is the function, ``package.py`` packs it, ``transport.py`` is the HTTP
client that the OSS SDK is given in place of its own.
"""
