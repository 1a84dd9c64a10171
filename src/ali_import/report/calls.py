"""Every call in the log, for -vv: what, where, how long, how it ended."""

import logging
from collections.abc import Callable
from typing import TypeVar

from ali_import.cloud.calls import Call, Cloud, DataCall
from ali_import.errors import CloudError
from ali_import.report.logs import LOGGER_NAME
from ali_import.report.words import joined

R = TypeVar("R")


class LoggedCloud:
    """A cloud that logs its calls; never what is in them.

    Args:
        cloud: Carries them out.
        clock_s: Any clock that only goes forward, in seconds.
    """

    def __init__(self, cloud: Cloud, *, clock_s: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock_s = clock_s
        self._logger = logging.getLogger(f"{LOGGER_NAME}.calls")

    async def call(self, request: Call[R]) -> R:
        """Carry out ``request`` once, log it, and return its result.

        Raises:
            CloudError: As the cloud does.
        """
        began_s = self._clock_s()
        ending = "cancelled"
        try:
            result = await self._cloud.call(request)
            ending = "ok"
        except CloudError as error:
            ending = joined(error.code, error.request_id, separator=" ")
            raise
        finally:
            elapsed_s = self._clock_s() - began_s
            self._logger.debug("%s: %s (%.3f s)", _told(request), ending, elapsed_s)
        return result


def _told(request: Call[R]) -> str:
    relayed = isinstance(request, DataCall) and request.relay
    way = "through the relay" if relayed else ""
    return joined(request.region, request.operation(), way, separator=" ")
