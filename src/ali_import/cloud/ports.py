"""The port through which the engine reaches the cloud.

A call is a value (``cloud/requests/``) that names its operation, its region and
its class of repetition, so retries, pacing and accounting are one wrapper around one
method, and a cloud is implemented by answering requests.
"""

from typing import Protocol, TypeVar

from ali_import.cloud.requests import Request

R = TypeVar("R")


class Cloud(Protocol):
    """Something that carries out requests: the SDKs, or a world under simulation."""

    async def call(self, request: Request[R]) -> R:
        """Carry out ``request`` once, and return its result.

        Raises:
            ApiError: The cloud said no.
            HostNotFoundError: The region does not have the service.
            TransportError: No usable answer; the effect is unknown.
        """
        ...
