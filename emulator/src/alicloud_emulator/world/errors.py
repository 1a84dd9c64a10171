"""The one exception by which the emulated cloud says no."""

from collections.abc import Mapping


class ServiceError(Exception):
    """A service refuses a call; the wire layer makes the product's error body of it.

    Attributes:
        code: Alibaba's error code, for example ``InvalidImageName.Duplicated``.
        status: HTTP status.
        message: Alibaba's message where it is known.
        ec: OSS's EC code, or "".
        retry_after_ms: Value for ``x-acs-retry-after``, or 0 for none.
        fields: More fields of the error body (``Endpoint``, ``AccessDeniedDetail``).
        detail: What a code's usual message was told, which an action may say otherwise;
            None for a message that stays as it is.
    """

    def __init__(
        self,
        code: str,
        status: int = 400,
        message: str = "",
        *,
        ec: str = "",
        retry_after_ms: int = 0,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.status = status
        self.message = message or code
        self.ec = ec
        self.retry_after_ms = retry_after_ms
        self.fields = dict(fields or {})
        self.detail: str | None = None
