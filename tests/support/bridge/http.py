"""A request and its answer, as they would be on the wire, and how a call gets lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request that leaves.

    Attributes:
        target: Path and query, as they are sent.
        headers: Names in lower case.
        timeout_s: For how long its sender waits for the answer.
    """

    method: str
    host: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    timeout_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        missing: How many bytes of the body did not come.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    missing: int = 0


class Loss(StrEnum):
    """How a call goes without an answer.

    * ``no resolver``: nobody could say whether the host exists.
    * ``no host``: it does not exist.
    * ``silence``: no answer came in time.
    * ``hang-up``: the connection was closed.
    """

    NO_RESOLVER = "no resolver"
    NO_HOST = "no host"
    SILENCE = "silence"
    HANG_UP = "hang-up"


class LostError(Exception):
    """No answer came."""

    def __init__(self, how: Loss) -> None:
        super().__init__(str(how))
        self.how = how
