"""Function Compute 3.0 on the wire.

| file | what it holds |
|---|---|
| service.py | a request's way to its action, and errors |
| action.py | an action: one function, and what is said beside it |
| functions.py, tags.py, invocations.py | the actions |
| bodies.py | JSON in and out |
| api.json | every action's method and path, made of Alibaba's metadata |
"""

from random import Random

from alicloud_emulator.products.fc.action import metadata
from alicloud_emulator.products.fc.service import FcService
from alicloud_emulator.products.product import INTERNAL, REGION, VPC, Product, Signing


def _id(rng: Random, now: float) -> str:
    bits = f"{rng.getrandbits(80):020x}"
    return f"1-{int(now) & 0xFFFFFFFF:08x}-{bits[:8]}-{bits[8:]}"


PRODUCT = Product(
    name="fc",
    code="FC",
    hosts=(
        rf"fcv3{VPC}\.{REGION}",
        rf"fc{VPC}\.{REGION}",
        rf"(?:(?P<account>[0-9]{{1,32}})\.)?{REGION}{INTERNAL}\.fc",
    ),
    endpoint="fc.{}.aliyuncs.com",
    version="2023-03-30",
    service=lambda world, functions: FcService(world, functions=functions),
    named=metadata,
    state=lambda world, region, account_id: world.fc.state(region, account_id),
    is_there=lambda region: region.fc,
    request_id=_id,
    signing=Signing.ROA,
    # Of signatures and tokens it says what the gateway says. [fc SDK issues]
    says={
        "InvalidAccessKeyId.NotFound": ("InvalidAccessKeyID", 403),
        "MissingAccessKeyId": ("AccessDenied", 403),
    },
    id_header="x-fc-request-id",
    internal_error="InternalServerError",
    throttled=("ResourceThrottled", 503),
)
