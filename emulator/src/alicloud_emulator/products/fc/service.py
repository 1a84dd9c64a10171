"""Function Compute 3.0 on the wire (ROA, version 2023-03-30)."""

from typing import Any

from alicloud_emulator.products.fc import functions, invocations, tags
from alicloud_emulator.products.fc.action import (
    Asked,
    Executor,
    FcAction,
    json_answer,
    matched,
    metadata,
)
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.fc.refusals import FACTS, refusal
from alicloud_emulator.world.world import World

ACTIONS = tuple(
    value
    for module in (functions, invocations, tags)
    for value in vars(module).values()
    if isinstance(value, FcAction)
)
BY_NAME = {action.name: action for action in ACTIONS}


def route(method: str, full_path: str) -> tuple[FcAction, str] | None:
    """Return the action that serves a path, and the function's name or ""."""
    for name, action in BY_NAME.items():
        wanted, path = metadata()[name]
        found = matched(path, full_path) if method == wanted else None
        if found:
            return action, found.groupdict().get("functionName", "")
    return None


def not_built(method: str, full_path: str) -> str:
    """Return the real action that is meant and not there, or ""."""
    return next(
        (
            name
            for name, (wanted, path) in metadata().items()
            if method == wanted and name not in BY_NAME and matched(path, full_path)
        ),
        "",
    )


class FcService:
    """The actions by path.

    Args:
        world: The cloud.
        functions: Runs the functions' code.
    """

    def __init__(self, world: World, *, functions: Executor) -> None:
        self._world = world
        self._functions = functions

    def describe(self, request: Request) -> tuple[str, str]:
        """Return (action, function name)."""
        found = route(request.method, request.path)
        if found:
            return found[0].name, found[1]
        return not_built(request.method, request.path) or "Unknown", ""

    async def handle(self, request: Request) -> Response:
        """Carry out a request.

        Raises:
            ServiceError: Function Compute refuses.
        """
        if request.caller is None:
            raise refusal(
                "MissingRequiredHeader",
                "required HTTP header Authorization was not specified",
            )
        account_id = request.host.account_id
        if account_id not in {"", request.caller.account_id}:
            # As captured of Function Compute 2 (alibaba/funcraft#86).
            raise refusal(
                "AccessDenied", "The service or function doesn't belong to you."
            )
        found = route(request.method, request.path)
        if found is None:
            raise _not_there(request)
        action, name = found
        asked = Asked(
            request=request,
            action=action,
            world=self._world,
            functions=self._functions,
            caller=request.caller,
            region=request.host.region,
            name=name,
        )
        response = await action.run(asked)
        if action.name == "InvokeFunction" or self._world.profile.habits.function_ids:
            response.headers.setdefault("x-fc-request-id", request.request_id)
        else:
            response.has_id = False
        return response

    def error(self, request: Request, error: Exception) -> Response:
        """Return the error as Function Compute writes it: JSON."""
        if not isinstance(error, ServiceError):
            error = refusal("InternalServerError", "an internal error")
        denied = error.code == "NoPermission"
        document: dict[str, Any] = {
            "RequestId": request.request_id,
            "Code": "AccessDenied" if denied else error.code,
            "Message": error.message,
        }
        if denied and error.fields:
            document["AccessDeniedDetail"] = error.fields
        headers = {"x-fc-request-id": request.request_id}
        if error.retry_after_ms:
            headers["x-acs-retry-after"] = str(error.retry_after_ms)
        # Bodies too long are found out by whoever reads them, and he says 413.
        status = FACTS.status(error.code) or error.status
        return json_answer(document, status=status, headers=headers)


def _not_there(request: Request) -> ServiceError:
    """Return the error of an action that is not built, or of a mistyped path."""
    method, path = request.method, request.path
    if name := not_built(method, path):
        return refusal(
            "NotImplemented",
            f"Function Compute has the action {name}, which this emulator does not "
            "carry out.",
        )
    said = f"'{method}' against '{path[:256]}' is not supported"
    return refusal("PathNotSupported", said)
