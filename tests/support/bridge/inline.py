"""Code that blocks, run in the event loop's own thread: a greenlet waits in its stead.

The adapters, the SDKs and the relay function block while they wait for an answer. In life
a thread waits. Here the code runs in a greenlet, which is left where it waits and gone
back to when there is an answer: so its waiting takes virtual time, and the order of
everything is decided by the seed.
"""

import sys
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


async def run(work: Callable[..., T], *arguments: object) -> T:
    """Return what ``work`` returns; where it calls ``wait``, the event loop goes on."""
    handled = sys.exception()
    worker = greenlet(work)
    worker.gr_context = copy_context()
    waited_for: Any = worker.switch(*arguments)
    while not worker.dead:
        try:
            answer = await waited_for
        except BaseException as error:  # noqa: BLE001  the worker gets it, whatever it is
            _forget(error, handled)
            waited_for = worker.throw(error)
        else:
            waited_for = worker.switch(answer)
    result: T = waited_for
    return result


def _forget(error: BaseException | None, handled: BaseException | None) -> None:
    """Take from what an error came of what its caller was handling by then.

    A thread would not know of that, and who looks for the cause must not find it.
    """
    while error is not None and handled is not None:
        if error.__context__ is handled:
            error.__context__ = None
        error = error.__context__


def wait(what: Awaitable[T]) -> T:
    """Wait for something, in code that ``run`` runs."""
    parent = getcurrent().parent
    assert parent is not None, "nobody could wait meanwhile"
    answer: T = parent.switch(what)
    return answer


def is_inside() -> bool:
    """Whether the caller is code that ``run`` runs."""
    return getcurrent().parent is not None
