"""Object storage on the wire: S3-like XML over virtual hosts.

| file | what it holds |
|---|---|
| service.py | the ``Service``: routing, common headers |
| routing.py | (method, sub-resource, level) to operation |
| call.py | a request in the words of object storage: headers, conditions, tags |
| xml.py | XML documents in and out |
| s3.py | the S3-compatible API: names in and out |
| errors.py | error answers |
| missing.py | operations that official SDKs know and that are not built |
| operations.py, operations.json | what each operation was seen to read, and what is refused |
| catalog.py | the same as a page for people |
| root.py | ListBuckets, DescribeRegions |
| buckets.py, settings.py | operations on buckets, and their kept configurations |
| encryption.py | server-side encryption of objects, in name only |
| listing.py | ListObjects, ListObjectsV2, ListObjectVersions |
| objects.py, downloads.py | put, get, head, delete; ranges and blocks going out |
| forms.py | uploads by HTML form |
| callbacks.py | servers that are told of uploads |
| websites.py | pages of a website, where there is no object |
| pace.py | requests that want to be slow |
| cors.py | what browsers ask and are told |
| copying.py | copy, append, symbolic links |
| attributes.py | ACL, tags and restoring of objects |
| multipart.py | uploads in parts |
"""

from random import Random

from alicloud_emulator.products.oss.routing import action_names
from alicloud_emulator.products.oss.service import OssService
from alicloud_emulator.products.product import INTERNAL, REGION, Product, Signing
from alicloud_emulator.world.profile import OssMode

_S3 = r"(?P<s3>s3\.)"
_BUCKET = r"(?:(?P<bucket>[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.)?"


def oss_id(rng: Random, now: float) -> str:
    """Return an id that begins with the time, as OSS's do."""
    return f"{int(now) & 0xFFFFFFFF:08X}{rng.getrandbits(64):016X}"


PRODUCT = Product(
    name="oss",
    code="Oss",
    hosts=(
        rf"{_BUCKET}{_S3}oss-accelerate",
        rf"{_BUCKET}{_S3}oss-{REGION}{INTERNAL}",
        rf"{_BUCKET}oss-accelerate(?:-overseas)?",
        rf"{_BUCKET}oss-{REGION}{INTERNAL}",
        rf"{_BUCKET}{REGION}\.oss",
        rf"{_BUCKET}oss",
    ),
    endpoint="oss-{}.aliyuncs.com",
    service=lambda world, _: OssService(world),
    named=action_names,
    state=lambda world, region, account_id: world.oss.state(region, account_id),
    brief=lambda world, region, account_id: world.oss.brief(region, account_id),
    is_there=lambda region: region.oss is not OssMode.UNRESOLVED,
    request_id=oss_id,
    signing=Signing.OSS,
    id_header="x-oss-request-id",
    headers={"Server": "AliyunOSS"},
    downloads=frozenset({"GetObject"}),
    throttled=("QpsLimitExceeded", 503),
)
