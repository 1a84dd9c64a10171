"""The location service: older SDKs ask it where a product's endpoint is."""

from typing import ClassVar

from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Param, accepted, required
from alicloud_emulator.products.rpc.service import Action, RpcCall, RpcService
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.world import World

# Service code: name form of the endpoint, product's own name, whether regional.
_ENDPOINTS = {
    "ecs": ("ecs.{}.aliyuncs.com", "Ecs"),
    "oss": ("oss-{}.aliyuncs.com", "Oss"),
    "fc": ("fc.{}.aliyuncs.com", "FC"),
    "sts": ("sts.{}.aliyuncs.com", "Sts"),
    "kms": ("kms.{}.aliyuncs.com", "Kms"),
    "ram": ("ram.aliyuncs.com", "Ram"),
}


def describe_endpoints(call: RpcCall) -> Document:
    """Carry out DescribeEndpoints.

    Raises:
        ServiceError: ``InvalidRegionId`` or ``Illegal Parameter`` (404).
    """
    region = call.text("Id")
    service = call.text("ServiceCode").lower()
    if call.world.profile.region(region) is None:
        raise ServiceError(
            "InvalidRegionId", 404, "The specified region does not exist."
        )
    if service not in _ENDPOINTS:
        raise ServiceError("Illegal Parameter", 404, "Please check the parameters")
    form, product = _ENDPOINTS[service]
    endpoint = {
        "Id": region,
        "Namespace": call.text("Namespace"),
        "ServiceCode": service,
        "SerivceCode": service,  # sic; older SDKs read this spelling
        "Endpoint": form.format(region),
        "Type": call.text("Type") or "openAPI",
        "Protocols": {"Protocols": ["HTTP", "HTTPS"]},
        "Product": product,
    }
    public = endpoint["Type"] == "openAPI"
    return {"Success": True, "Endpoints": {"Endpoint": [endpoint] if public else []}}


ACTIONS = (
    Action(
        name="DescribeEndpoints",
        run=describe_endpoints,
        resource=("ServiceCode",),
        params=(
            required("Id"),
            required("ServiceCode"),
            Param("Type"),
            Param("Namespace"),
            accepted("Password"),
        ),
        errors=("InvalidRegionId", "Illegal Parameter"),
    ),
)


class LocationService(RpcService):
    """Location, version 2015-06-12."""

    PRODUCT: ClassVar[str] = "Location"
    VERSION: ClassVar[str] = "2015-06-12"
    MISSING: ClassVar[str] = "Missing{}"

    def __init__(self, world: World) -> None:
        super().__init__(world, ACTIONS)
