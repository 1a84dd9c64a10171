"""Virtual time for unit tests, and a cloud that says what it is told to say."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import anyio

from ali_import.cloud.calls import Call
from ali_import.errors import ApiError, CloudError, TransportError

R = TypeVar("R")
Answer = object | CloudError | Callable[[Call[Any]], Any]


class ScriptedCloud:
    """Gives the answers of a script, the last one for ever.

    Attributes:
        calls: Every request with the virtual time it came at.
        latency_s: How long each call takes.
    """

    def __init__(self, *answers: Answer, latency_s: float = 0.0) -> None:
        self._answers = list(answers)
        self.latency_s = latency_s
        self.calls: list[tuple[float, Call[Any]]] = []

    async def call(self, request: Call[R]) -> R:
        """Give the next answer."""
        self.calls.append((anyio.current_time(), request))
        await anyio.sleep(self.latency_s)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, CloudError):
            raise answer
        return cast("R", answer)

    @property
    def times(self) -> list[float]:
        """When the calls came."""
        return [when for when, _ in self.calls]


def refusal(
    code: str,
    status: int = 400,
    *,
    operation: str = "ecs.DescribeImages",
    retry_after_s: float = 0.0,
) -> ApiError:
    """Return an error that the cloud answered."""
    return ApiError(
        "no",
        region="cn-hangzhou",
        operation=operation,
        code=code,
        http_status=status,
        retry_after_s=retry_after_s,
    )


def silence(
    code: str = "NoAnswer", *, operation: str = "ecs.DescribeImages"
) -> TransportError:
    """Return an error that stands for no usable answer."""
    return TransportError("?", region="cn-hangzhou", operation=operation, code=code)
