"""The location service: older SDKs ask it where a product's endpoint is."""

from collections.abc import Iterable

from alicloud_emulator.products.product import Product, rpc_product
from alicloud_emulator.products.rpc.action import Action, Call, action
from alicloud_emulator.products.rpc.api import Api
from alicloud_emulator.products.rpc.bodies import Document
from alicloud_emulator.products.rpc.parameters import Param
from alicloud_emulator.world.facts import Facts

FACTS = Facts(__name__)

_NAMESPACE = "26842"
"""Of every product. Captured: programs that ask here show whole answers in their comments,
and rows have these six fields and no others."""


def product(others: Iterable[Product]) -> Product:
    """Return the product that tells the endpoints of the ``others``."""
    api = Api(
        code="Location",
        version="2015-06-12",
        actions=(_describe_endpoints(others),),
        facts=FACTS,
        missing="Missing{}",
    )
    return rpc_product("location", api, hosts=("location(?:-readonly)?",))


def _describe_endpoints(others: Iterable[Product]) -> Action:
    located = {other.name: other for other in others if other.endpoint}

    @action(
        "DescribeEndpoints",
        resource=("ServiceCode",),
        required=("Id", "ServiceCode"),
        accepted={"Namespace": "", "Password": ""},
        more=(
            Param("Id"),
            Param("ServiceCode"),
            Param("Type"),
            Param("Namespace"),
            Param("Password"),
        ),
    )
    def describe_endpoints(call: Call) -> Document:
        region = call.text("Id")
        service = call.text("ServiceCode").lower()
        if call.world.profile.region(region) is None:
            raise FACTS.refusal("InvalidRegionId")
        if service not in located:
            raise FACTS.refusal("Illegal Parameter")
        endpoint = {
            "Id": region,
            "Namespace": _NAMESPACE,
            "SerivceCode": service,  # so spelt, and so read
            "Endpoint": located[service].endpoint.format(region),
            "Type": call.text("Type") or "openAPI",
            "Protocols": {"Protocols": ["HTTP", "HTTPS"]},
        }
        public = endpoint["Type"] == "openAPI"
        found = [endpoint] if public else []
        return {"Success": True, "Endpoints": {"Endpoint": found}}

    return describe_endpoints
