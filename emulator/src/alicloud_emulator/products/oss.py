"""Object storage's row."""

from random import Random

from alicloud_emulator.products.product import INTERNAL, REGION, Product, Signing
from alicloud_emulator.services.oss.service import OssService
from alicloud_emulator.world.profile import OssMode

_BUCKET = r"(?:(?P<bucket>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.)?"


def oss_id(rng: Random, now: float) -> str:
    """Return an id that begins with the time, as OSS's do."""
    return f"{int(now) & 0xFFFFFFFF:08X}{rng.getrandbits(64):016X}"


PRODUCT = Product(
    name="oss",
    code="Oss",
    hosts=(
        rf"{_BUCKET}oss-accelerate(?:-overseas)?",
        rf"{_BUCKET}oss-{REGION}{INTERNAL}",
        rf"{_BUCKET}{REGION}\.oss",
        rf"{_BUCKET}oss",
    ),
    endpoint="oss-{}.aliyuncs.com",
    service=lambda world, _: OssService(world),
    state=lambda world, region, account_id: world.oss.state(region, account_id),
    is_there=lambda region: region.oss is not OssMode.UNRESOLVED,
    request_id=oss_id,
    signing=Signing.OSS,
    id_header="x-oss-request-id",
    headers={"Server": "AliyunOSS"},
    downloads=frozenset({"GetObject"}),
    throttled=("QpsLimitExceeded", 503),
)
