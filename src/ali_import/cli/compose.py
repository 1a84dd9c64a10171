"""Where the parts meet: the real cloud, the real clock, real dice."""

import os
import random
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ali_import.cloud.calls import Cloud
from ali_import.publish.model import Emit, Options, Target
from ali_import.report.log import LoggedCloud

if TYPE_CHECKING:
    from ali_import.publish.run import Run

now: Callable[[], float] = time.time
elapsed_s: Callable[[], float] = time.monotonic


def dice() -> random.Random:
    """Return a generator for jitter that no two processes share."""
    return random.Random(secrets.randbits(128))


def connect(*, log_calls: bool) -> Cloud:
    """Reach the cloud with what the environment says; makes no call.

    Credentials are looked for at the first call.

    Args:
        log_calls: Log every call, for -vv.

    Raises:
        ConfigurationError: The proxy or the certificates to trust are set up wrong.
    """
    from ali_import.cloud.sdk.cloud import SdkCloud
    from ali_import.cloud.sdk.settings import Settings

    cloud = SdkCloud(Settings.from_environment(os.environ))
    return LoggedCloud(cloud, clock_s=elapsed_s) if log_calls else cloud


def start_run(
    cloud: Cloud, targets: Sequence[Target], options: Options, emit: Emit
) -> "Run":
    """Make a run of its own id."""
    from ali_import.publish.run import Run

    return Run(
        cloud,
        targets,
        options,
        run_id=secrets.token_hex(4),
        rng=dice(),
        now=now,
        emit=emit,
    )
