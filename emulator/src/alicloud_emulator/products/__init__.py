"""Every product, as the front sees it: hosts, ids, region rule, and what carries it out.

A new product is one more row here. The front finds it by its host names; fault rules,
dead regions, throttling, counts and events then go by its name and its region.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from alicloud_emulator.functions.manager import Functions
from alicloud_emulator.products.ecs import EcsService
from alicloud_emulator.products.fc.service import FcService
from alicloud_emulator.products.kms import KmsService
from alicloud_emulator.products.location import LocationService
from alicloud_emulator.products.ram import RamService
from alicloud_emulator.products.sts import StsService
from alicloud_emulator.services.oss.service import OssService
from alicloud_emulator.services.wire import Service
from alicloud_emulator.world.profile import OssMode, Region
from alicloud_emulator.world.world import World

_REGION = r"(?P<region>[a-z]{2,5}-[a-z0-9]+(?:-[a-z0-9]+)*?)"
_BUCKET = r"(?:(?P<bucket>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.)?"
_VPC = "(?P<internal>-vpc)?"
_INTERNAL = "(?P<internal>-internal)?"


def _uuid(rng: Random, _: float) -> str:
    return str(UUID(int=rng.getrandbits(128), version=5)).upper()


def oss_id(rng: Random, now: float) -> str:
    """Return an id that begins with the time, as OSS's do."""
    return f"{int(now) & 0xFFFFFFFF:08X}{rng.getrandbits(64):016X}"


def _fc_id(rng: Random, now: float) -> str:
    bits = f"{rng.getrandbits(80):020x}"
    return f"1-{int(now) & 0xFFFFFFFF:08x}-{bits[:8]}-{bits[8:]}"


@dataclass(frozen=True, kw_only=True)
class Product:
    """A product of the cloud.

    Attributes:
        name: As in ``Host.service``, in fault rules and in counts.
        hosts: Patterns of its host names without ``.aliyuncs.com``, tried in order. The
            groups ``region``, ``bucket``, ``account`` and ``internal`` say what a name
            means; an internal host resolves in its own region's network only.
        service: Makes what carries out its actions.
        region_parameter: Whether a call is about the region of its ``RegionId``, where
            it has one, and not about its host's.
        is_there: Whether its hosts in a region resolve.
        request_id: Makes an answer's id, of random bits and of Unix time in seconds.
            Source: Serverless-Devs/Serverless-Devs#768 (2024), and captured answers.
        behind_gateway: Whether it is an RPC product, whose gateway adds the headers.
        id_header: The header that carries the id.
        headers: More headers of every answer of a product without that gateway.
        downloads: Actions that send an object's bytes.
        internal_error: Code for a failure of the emulator itself.
        throttled: Code and status of a throttled call.
    """

    name: str
    hosts: tuple[str, ...]
    service: Callable[[World, Functions], Service]
    region_parameter: bool = False
    is_there: Callable[[Region], bool] = lambda _: True
    request_id: Callable[[Random, float], str] = _uuid
    behind_gateway: bool = True
    id_header: str = "x-acs-request-id"
    headers: Mapping[str, str] = field(default_factory=dict)
    downloads: frozenset[str] = frozenset()
    internal_error: str = "InternalError"
    throttled: tuple[str, int] | None = None


PRODUCTS = (
    Product(
        name="oss",
        hosts=(
            rf"{_BUCKET}oss-accelerate(?:-overseas)?",
            rf"{_BUCKET}oss-{_REGION}{_INTERNAL}",
            rf"{_BUCKET}{_REGION}\.oss",
            rf"{_BUCKET}oss",
        ),
        service=lambda world, _: OssService(world),
        is_there=lambda region: region.oss is not OssMode.UNRESOLVED,
        request_id=oss_id,
        behind_gateway=False,
        id_header="x-oss-request-id",
        headers={"Server": "AliyunOSS"},
        downloads=frozenset({"GetObject"}),
        throttled=("QpsLimitExceeded", 503),
    ),
    Product(
        name="ecs",
        hosts=("ecs", rf"ecs{_VPC}\.{_REGION}", rf"ecs-{_REGION}"),
        service=lambda world, _: EcsService(world),
        region_parameter=True,
    ),
    Product(
        name="fc",
        hosts=(
            rf"fcv3{_VPC}\.{_REGION}",
            rf"fc{_VPC}\.{_REGION}",
            rf"(?:(?P<account>[0-9]{{1,32}})\.)?{_REGION}{_INTERNAL}\.fc",
        ),
        service=lambda world, functions: FcService(world, functions=functions),
        is_there=lambda region: region.fc,
        request_id=_fc_id,
        behind_gateway=False,
        id_header="x-fc-request-id",
        internal_error="InternalServerError",
        throttled=("ResourceThrottled", 429),
    ),
    Product(name="ram", hosts=("ram",), service=lambda world, _: RamService(world)),
    Product(
        name="sts",
        hosts=("sts", rf"sts{_VPC}\.{_REGION}"),
        service=lambda world, _: StsService(world),
    ),
    Product(
        name="kms",
        hosts=("kms", rf"kms{_VPC}\.{_REGION}"),
        service=lambda world, _: KmsService(world),
    ),
    Product(
        name="location",
        hosts=("location(?:-readonly)?",),
        service=lambda world, _: LocationService(world),
    ),
)

BY_NAME = {product.name: product for product in PRODUCTS}
