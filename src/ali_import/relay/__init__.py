"""What is shipped into a region: a function that sends signed requests from inside.

``handler.py`` is the function, ``package.py`` packs it. Its near end is
``cloud/sdk/relay.py``, the HTTP client that the OSS SDK is given in place of its own.
"""
