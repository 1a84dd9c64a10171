"""The ways into a region, one file each, and the order in which they are tried.

A route is tried and refused by the cloud, never chosen by a region's name:

* ``direct``: upload to a bucket in the region, import it.
* ``relay``: the same, through a function that runs inside the region.
* ``copy``: copy the image from a region that has it.

A large image goes up from here once, to the region that becomes its *seed*; the
others have it fetched, or copy it, before they would make us upload it again.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from ali_import.cloud.values import CloudImage
from ali_import.publish.job import Job
from ali_import.publish.model import Route
from ali_import.publish.routes.copy import copy
from ali_import.publish.routes.direct import direct, direct_seed
from ali_import.publish.routes.relay import relay, relay_seed

Way = Callable[[Job], Awaitable[CloudImage]]

SMALL: Final[tuple[tuple[Route, Way], ...]] = (
    (Route.DIRECT, direct),
    (Route.RELAY, relay),
    (Route.COPY, copy),
)
LARGE: Final[tuple[tuple[Route, Way], ...]] = (
    (Route.DIRECT, direct_seed),
    (Route.RELAY, relay_seed),
    (Route.COPY, copy),
    (Route.DIRECT, direct),
    (Route.RELAY, relay),
)
IMPORTING: Final = (Route.DIRECT, Route.RELAY)
"""The routes that end in an import, so that other regions may copy the image."""


def routes(job: Job) -> tuple[tuple[Route, Way], ...]:
    """Return the routes to try for a job, in order."""
    return LARGE if job.large else SMALL
