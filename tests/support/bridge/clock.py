"""Virtual time for the SDKs, which read the machine's clock to sign and to presign."""

import datetime as dt
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from typing_extensions import override

from tests.support.bridge import inline

NOW: ContextVar[Callable[[], float]] = ContextVar("NOW")
"""What time it is for whatever runs in this context, Unix seconds."""


class _DateTime(dt.datetime):
    """The present in code that is run inline is virtual; elsewhere it is the present."""

    @classmethod
    @override
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        if not inline.is_inside():
            return dt.datetime.now(tz)
        return dt.datetime.fromtimestamp(NOW.get()(), tz or dt.UTC)

    @classmethod
    @override
    def utcnow(cls) -> Any:
        return cls.now(dt.UTC).replace(tzinfo=None)


class _Module:
    """The module ``datetime``, as the signers see it."""

    datetime = _DateTime

    def __getattr__(self, name: str) -> Any:
        return getattr(dt, name)


def teach() -> None:
    """Let the SDKs' signers ask for virtual time where they are run inline."""
    import alibabacloud_oss_v2.signer.v4 as signer
    from alibabacloud_oss_v2 import presigner
    from alibabacloud_tea_openapi import utils

    presigner.datetime = signer.datetime = _Module()
    utils.datetime = _DateTime
