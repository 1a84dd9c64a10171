"""Every error the tool raises on purpose.

AliImportError                exit_code, diagnostics()
├ ConfigurationError          wrong usage or set-up; nothing was changed
├ DiskImageError              path: the file is no disk image we can publish
└ CloudError                  region, operation
  ├ TransportError            no answer came; whether the call took effect is unknown
  │ └ HostNotFoundError       the host name does not exist: nothing was sent
  ├ ApiError                  code, http_status, request_id: the cloud said no
  │ └ SourcesGoneError        gone: objects to fetch from that are not there any more
  └ TaskFailedError           an asynchronous import or copy ended badly

What a code *means* (try again, wait, take the next route, give up) is not a class
but a row of ``cloud/retry_table.py``. Programmer errors are assertions.
"""

from pathlib import Path
from typing import ClassVar, Self


class AliImportError(Exception):
    """Something went wrong that a user can read and act on."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def diagnostics(self) -> str:
        """Return one line: the cause, then what to try."""
        return f"{self.message}; {self.advice}" if self.advice else self.message


class ConfigurationError(AliImportError):
    """The command, its environment or its input is wrong; nothing was changed."""

    exit_code: ClassVar[int] = 2


class DiskImageError(AliImportError):
    """A file is not a disk image that can be published; nothing was changed."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, path: Path, advice: str = "") -> None:
        super().__init__(f"{path}: {message}", advice=advice)
        self.path = path


class CloudError(AliImportError):
    """A call to the cloud did not do what it was asked.

    Attributes:
        region: Region id, or "" for a central service.
        operation: Service and action, for example ``ecs.ImportImage``.
        request_id: The cloud's id of the request, or "".
        code: The cloud's error code, or a word of ours where no answer came.
        unsure: Whether the call may have taken effect all the same: no answer came, to
            this try or to one before it.
    """

    unsure = False

    def __init__(
        self,
        message: str,
        *,
        region: str,
        operation: str,
        code: str,
        request_id: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message, advice=advice)
        self.region = region
        self.operation = operation
        self.code = code
        self.request_id = request_id

    def anew(self, *, code: str = "", advice: str = "", unsure: bool = False) -> Self:
        """Return a copy to raise, with another code or advice where one is given.

        An error is never changed once it is made: several tasks may hold it. One that
        was kept is raised as ``raise error.anew()``, so that it does not gather the
        traceback of every place that raised it before.
        """
        made = type(self).__new__(type(self), *self.args)
        made.__dict__.update(self.__dict__)
        made.code = code or self.code
        made.advice = advice or self.advice
        if unsure:
            made.unsure = True
        made.__cause__ = self.__cause__
        return made


class TransportError(CloudError):
    """No usable answer came back; the call may or may not have taken effect.

    Codes: ``NoAnswer`` (connection refused, dropped or timed out),
    ``GarbledAnswer`` (not the protocol: an HTML error page), ``TlsFailure``,
    ``ProxyFailure``.
    """

    unsure = True


class HostNotFoundError(TransportError):
    """The service's host name does not exist: the region does not have the service.

    Code: ``HostNotFound``. A resolver that merely fails is a ``NoAnswer``.
    """

    unsure = False


class ApiError(CloudError):
    """The cloud answered with an error.

    Attributes:
        http_status: The answer's HTTP status.
        retry_after_s: What ``x-acs-retry-after`` asked for, in seconds, or 0.
    """

    def __init__(
        self,
        message: str,
        *,
        region: str,
        operation: str,
        code: str,
        http_status: int,
        request_id: str = "",
        retry_after_s: float = 0.0,
        advice: str = "",
    ) -> None:
        super().__init__(
            message,
            region=region,
            operation=operation,
            code=code,
            request_id=request_id,
            advice=advice,
        )
        self.http_status = http_status
        self.retry_after_s = retry_after_s


class SourcesGoneError(ApiError):
    """A relay could not fetch a body, and some of its sources are not there any more.

    Code: ``RelaySourceGone``. Asking again is of use without them only.

    Attributes:
        gone: The sources that are gone, as the call named them.
    """

    def __init__(self, message: str, *, region: str, gone: tuple[object, ...]) -> None:
        super().__init__(
            message,
            region=region,
            operation="fc.InvokeFunction",
            code="RelaySourceGone",
            http_status=200,
        )
        self.gone = gone


class TaskFailedError(CloudError):
    """An import or a copy was accepted and failed later, for the reason given."""
