"""Keep the SDKs' own loggers silent, whatever the verbosity.

Several of them attach a handler that writes to standard error at import, and log whole
requests, ``Authorization`` header included (darabonba with ``DEBUG=sdk``), or request
lines with their query strings (urllib3). What the user needs to know is said by our own
errors, which carry no secret; so these loggers say nothing, ever.
"""

import logging

NAMES = (
    "Tea",
    "aiohttp",
    "alibabacloud-tea",
    "alibabacloud_oss_v2",
    "apscheduler",
    "credentials",
    "darabonba-core",
    "requests",
    "urllib3",
    "websocket",
)


def silence() -> None:
    """Silence the loggers; call it after every import of an SDK module."""
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        # Children (urllib3.connectionpool) inherit the level, not the handlers.
        logger.setLevel(logging.CRITICAL + 1)
