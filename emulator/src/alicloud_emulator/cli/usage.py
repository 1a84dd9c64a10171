"""What a user did that cannot work."""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(Exception):
    """Printed as one line; the command ends with status 2."""


@contextmanager
def usage_errors_unwrapped() -> Iterator[None]:
    """Let a UsageError out of the groups that task groups make of it."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, UsageError):
            raise error from None
        raise
