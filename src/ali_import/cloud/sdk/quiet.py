"""Keep the SDKs' own loggers silent, whatever the verbosity.

Several of them attach a handler that writes to standard error at import, and log whole
requests, ``Authorization`` header included (darabonba with ``DEBUG=sdk``), or request
lines with their query strings (urllib3). What the user needs to know is said by our own
errors, which carry no secret; so these loggers say nothing, ever.

What the SDKs use and Python 3.12 deprecates (``datetime.utcnow``) is theirs to mend.
"""

import logging
import warnings

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


MODULES = r"(Tea|alibabacloud_|darabonba).*"


def silence() -> None:
    """Silence loggers and warnings; call it after every import of an SDK module."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=MODULES)
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
        # Children (urllib3.connectionpool) inherit the level, not the handlers.
        logger.setLevel(logging.CRITICAL + 1)
