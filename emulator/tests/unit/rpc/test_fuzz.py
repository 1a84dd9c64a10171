"""Whatever parameters come, the answer is an answer."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from alicloud_emulator.products import PRODUCTS
from alicloud_emulator.products.rpc.parameters import Kind, Param
from alicloud_emulator.products.rpc.service import RpcService
from emulator.tests.support.image_cloud import TOKYO, Cloud
from emulator.tests.support.rpc_calls import answer, request_of, service_of

CLOUD = Cloud()
IMAGE = CLOUD.available()
SERVICES = {
    product.name: service_of(product.name, CLOUD.world)
    for product in PRODUCTS
    if product.api
}
LIKELY = [
    "", "0", "1", "-1", "101", "true", "False", TOKYO, IMAGE, "image", "bucket",
    "disk.raw", "RAW", "ALL", "Available", "[", "[]", '["a"]', '[{"Key":"a"}]', "{}",
    "CreationStartTime", "2026-01-01T00:00Z", "acs:ram::1:role/x", "\ud800", "\x00", "*",
    "9" * 30, "role", "snapshot", "System", "AliyunFCDefaultRole",
]  # fmt: skip
VALUES = st.one_of(st.sampled_from(LIKELY), st.text(max_size=20))


def wire_names(param: Param, prefix: str = "") -> list[str]:
    name = prefix + param.name
    match param.kind:
        case Kind.STRUCT:
            return [n for m in param.members for n in wire_names(m, f"{name}.")]
        case Kind.STRUCTS | Kind.JSON_STRUCTS:
            flat = [n for m in param.members for n in wire_names(m, f"{name}.1.")]
            return [name, *flat, f"{name}.2.Key"]
        case Kind.LIST | Kind.JSON_LIST:
            return [name, f"{name}.1", f"{name}.2"]
        case _:
            return [name]


@st.composite
def calls(draw: st.DrawFn) -> tuple[RpcService, str, Mapping[str, object]]:
    service = SERVICES[draw(st.sampled_from(sorted(SERVICES)))]
    action = draw(st.sampled_from(sorted(service.api.by_name)))
    params = service.api.params[action]
    names = [name for param in params.values() for name in wire_names(param)]
    required = {p.name: "x" for p in params.values() if p.required}
    given_values = (
        draw(st.dictionaries(st.sampled_from(names), VALUES)) if names else {}
    )
    region = {"RegionId": TOKYO} if "RegionId" in required else {}
    return service, action, {**required, **region, **given_values}


@given(call=calls(), old=st.booleans())
@settings(max_examples=600)
def test_every_call_gets_a_well_formed_answer(
    call: tuple[RpcService, str, Mapping[str, object]], *, old: bool
) -> None:
    service, action, params = call
    headers = None
    if old:
        params = {**params, "Action": action, "Version": service.api.version}
        headers = {"accept": "*/*"}
    got = answer(
        service,
        request_of(service, action, params, caller=CLOUD.main, headers=headers),
    )
    assert 200 <= got.status < 500
    request_id = got.xml.findtext("RequestId") if old else got.json["RequestId"]
    assert request_id == "REQUEST-ID"
