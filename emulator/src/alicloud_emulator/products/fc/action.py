"""An action: one function on a request taken apart, and what is said beside it."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Protocol

from alicloud_emulator.products.fc.bodies import parse_object
from alicloud_emulator.products.fc.declared import Field, Place, find
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.fc.rules import CODE_BYTES_MAX, invalid
from alicloud_emulator.world.fc.values import Function, Invocation, InvocationResult
from alicloud_emulator.world.world import World

VERSION = "2023-03-30"

# Code is Base64 in JSON; the rest of a request is small.
BODY_BYTES_MAX = CODE_BYTES_MAX * 4 // 3 + 1024 * 1024

COMMON_ERRORS = (
    "AccessDenied",
    "InternalServerError",
    "MissingRequiredHeader",
    "PathNotSupported",
    "ServiceUnavailable",
)
"""Codes that any action can give."""


@cache
def metadata() -> Mapping[str, tuple[str, str]]:
    """Return method and path of every real action, built here or not.

    Made by ``scripts/condense_api.py`` of Alibaba's own metadata.
    """
    text = (files(__package__) / "api.json").read_text(encoding="utf-8")
    return {name: (method, path) for name, (method, path) in json.loads(text).items()}


def matched(path: str, full_path: str) -> "re.Match[str] | None":
    """Return what a path's fields are in a request's path, if it is of that form."""
    return _pattern(path).fullmatch(full_path)


@cache
def _pattern(path: str) -> "re.Pattern[str]":
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))


class Executor(Protocol):
    """Runs functions' code (``alicloud_emulator.functions.Functions``)."""

    async def invoke(
        self, invocation: Invocation, payload: bytes, *, request_id: str
    ) -> InvocationResult:
        """Run an invocation to its end.

        Raises:
            ServiceError: FunctionNotStarted; the machine cannot run it.
        """
        ...

    def spawn(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do ``work`` in the background; False if too much is waiting."""
        ...

    def retire(self, function: Function) -> None:
        """Let go of the processes of a function that was deleted or updated."""
        ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, taken apart.

    Attributes:
        action: What it asks for; only what is declared there can be read.
        functions: Runs the functions' code.
        name: Function name in the path, or "".
    """

    request: Request
    action: "FcAction"
    world: World
    functions: Executor
    caller: Caller
    region: str
    name: str

    async def document(self) -> dict[str, Any]:
        """Return the body, a JSON object.

        Raises:
            ServiceError: InvalidArgument; it is none.
        """
        return parse_object(await self.request.body.read(BODY_BYTES_MAX))

    def query(self, name: str) -> str:
        """Return a query parameter; "" where it is not given."""
        self._check_declared(Place.QUERY, name)
        return self.request.param(name)

    def header(self, name: str) -> str:
        """Return a header; "" where it is not given."""
        self._check_declared(Place.HEADER, name)
        return self.request.headers.get(name, "")

    def boolean(self, name: str) -> bool:
        """Return a query parameter that is true or not."""
        return self.query(name).lower() == "true"

    def integer(self, name: str, default: int) -> int:
        """Return a query parameter that is a number.

        Raises:
            ServiceError: InvalidArgument; it is none.
        """
        text = self.query(name)
        if not re.fullmatch(r"(-?\d{1,9})?", text):
            raise invalid(f"{name} must be an integer")
        return int(text) if text else default

    def _check_declared(self, place: Place, name: str) -> None:
        if find(self.action.fields, place, name) is None:
            raise KeyError(name)  # the tables would not be true


Run = Callable[[Asked], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class FcAction:
    """One action.

    Attributes:
        run: Carries it out.
        fields: What it takes.
    """

    name: str
    run: Run
    fields: tuple[Field, ...] = ()

    @cached_property
    def method(self) -> str:
        """Return the HTTP method."""
        return metadata()[self.name][0]

    @cached_property
    def path(self) -> str:
        """Return the path after the version, with fields in braces."""
        return metadata()[self.name][1].removeprefix(f"/{VERSION}/")


def action(name: str, *fields: Field) -> Callable[[Run], FcAction]:
    """Make an action of the function below; see ``FcAction``."""
    return lambda run: FcAction(name=name, run=run, fields=fields)


def json_answer(
    document: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer whose body is JSON."""
    return Response(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=json.dumps(document).encode(),
    )
