"""What all RPC products share: which action, which parameters, which bodies.

Action and version come in headers (``x-acs-action``, ``x-acs-version``) or, from older
clients, as parameters ``Action`` and ``Version``; answers are JSON, or XML where
``Format`` or an older client's silence asks for it.
"""

from collections.abc import Mapping
from typing import Any

from alicloud_emulator.products.rpc.action import Action, Call
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.rpc.bodies import (
    JSON_TYPE,
    XML_TYPE,
    json_body,
    xml_body,
)
from alicloud_emulator.products.rpc.hash_map import in_order
from alicloud_emulator.products.rpc.parameters import Arguments
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.caller import Caller
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.ram import ACCESS_DENIED_FIELDS
from alicloud_emulator.world.world import World

_ANONYMOUS = Caller(account_id="", policies=())


class RpcService:
    """Carries out the calls of one product."""

    def __init__(self, world: World, api: Api) -> None:
        self._world = world
        self.api = api

    def describe(self, request: Request) -> tuple[str, str]:
        """Return the action's name and what it is about, as far as can be seen."""
        name = _action_name(request)
        action = self.api.by_name.get(name)
        resource = ""
        for parameter in action.resource if action else ():
            resource = resource or request.param(parameter)
        return name or "Unknown", resource

    async def handle(self, request: Request) -> Response:
        """Carry out a call.

        Raises:
            ServiceError: The product refuses.
        """
        action = self._action(request)
        if request.caller is None and action.name not in self.api.unsigned:
            raise ServiceError(
                "MissingAccessKeyId", 400, "AccessKeyId is mandatory for this action."
            )
        self._check_endpoint(request)
        arguments = Arguments(
            self.api.params[action.name], dict(reversed(request.query))
        )
        arguments.check()
        call = Call(
            action=action.name,
            world=self._world,
            caller=request.caller or _ANONYMOUS,
            arguments=arguments,
            host_region=request.host.region,
            faults=request.faults,
        )
        try:
            if action.prepare is not None:
                await action.prepare(call)
            found = action.run(call)
        except ServiceError as error:
            raise self.api.facts.worded(error, action.name) from error.__cause__
        document = in_order({**found, "RequestId": request.request_id})
        return _response(request, 200, f"{action.name}Response", document)

    def _check_endpoint(self, request: Request) -> None:
        """Refuse a call that one region's host gets for another region.

        NOTE: The central hosts of the real cloud serve some regions and some actions;
        here they serve all. An unknown region is for the action to refuse.

        Source: Alibaba's page on errors of SDKs (code, message); status 404 as a
        client's test has it, so a guess.
        """
        region, here = request.param("RegionId"), request.host.region
        if here and region != here and self._world.profile.region(region) is not None:
            raise ServiceError(
                "InvalidOperation.NotSupportedEndpoint",
                404,
                "The specified endpoint cant operate this region. Please use API "
                "DescribeRegions to get the appropriate endpoint, or upgrade your SDK "
                "to latest version.(from POP)",
            )

    def error(self, request: Request, error: Exception) -> Response:
        """Return the error body that every RPC product has."""
        if not isinstance(error, ServiceError):
            error = ServiceError(
                "InternalError",
                500,
                "The request processing has failed due to some unknown error.",
            )
        code, message = self._renamed(error)
        # In the order of captured refusals, which is not that of an answer's keys.
        document: dict[str, Any] = {
            "RequestId": request.request_id,
            "Message": message,
            "HostId": request.host.name,
            "Code": code,
            "Recommend": (
                f"https://api.aliyun.com/troubleshoot?q={code}"
                f"&product={self.api.code}&requestId={request.request_id}"
            ),
        }
        denied = {k: error.fields[k] for k in ACCESS_DENIED_FIELDS if k in error.fields}
        if denied:
            document["AccessDeniedDetail"] = denied
        response = _response(request, error.status, "Error", document)
        if error.retry_after_ms > 0:
            response.headers["x-acs-retry-after"] = str(error.retry_after_ms)
        return response

    def _renamed(self, error: ServiceError) -> tuple[str, str]:
        """Return code and message in this product's words."""
        if error.code == "NoPermission":
            code, message = self.api.forbidden
            return code, message or error.message
        if error.code == "MissingParameter" and "Parameter" in error.fields:
            name = error.fields["Parameter"]
            if "{}" in self.api.missing:
                code = self.api.missing.replace("{}", name)
                return code, f"{name} is mandatory for this action."
        return error.code, error.message

    def _action(self, request: Request) -> Action:
        if request.method not in ("GET", "POST"):
            raise ServiceError(
                "UnsupportedHTTPMethod", 405, "This http method is not supported."
            )
        name = _action_name(request)
        version = request.headers.get("x-acs-version", "") or request.param("Version")
        if not name:
            raise ServiceError(
                "MissingAction", 400, "Action is mandatory for this action."
            )
        if not version:
            raise ServiceError(
                "MissingVersion", 400, "Version is mandatory for this action."
            )
        if version != self.api.version:
            name = ""  # it has no such action
        action = self.api.by_name.get(name)
        if action is None:
            raise self._not_there(name)
        return action

    def _not_there(self, name: str) -> ServiceError:
        """Return the error of an action that is not built, or of a mistyped one."""
        if name in self.api.metadata:
            # 400, since clients take 501 for a passing fault and try again.
            return ServiceError(
                "NotImplemented",
                400,
                f"{self.api.code} has the action {name}, which this emulator does not "
                "carry out.",
            )
        return ServiceError(
            "InvalidAction.NotFound",
            404,
            "Specified api is not found, please check your url and method.",
        )


def _action_name(request: Request) -> str:
    return request.headers.get("x-acs-action", "") or request.param("Action")


def _wants_xml(request: Request) -> bool:
    """Whether to answer in XML: as asked, or by an older client that did not ask."""
    asked = request.param("Format").upper()
    if asked:
        return asked == "XML"
    modern = "x-acs-action" in request.headers
    return not modern and "json" not in request.headers.get("accept", "").lower()


def _response(
    request: Request, status: int, root: str, document: Mapping[str, Any]
) -> Response:
    if _wants_xml(request):
        body, kind = xml_body(root, document), XML_TYPE
    else:
        body, kind = json_body(document), JSON_TYPE
    return Response(
        status=status,
        headers={"Content-Type": kind, "x-acs-request-id": request.request_id},
        body=body,
        content_length=len(body),
    )
