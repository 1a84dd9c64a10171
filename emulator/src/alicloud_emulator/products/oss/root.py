"""Operations on the service itself: listing buckets, describing regions."""

import re

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.oss.buckets import endpoints, tag_set
from alicloud_emulator.products.oss.call import Call, answer, iso_date
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss import Bucket
from alicloud_emulator.world.oss.listing import Page, page_size
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.profile import OssMode

_QUOTED_PAIR = re.compile(r'"([^"]*)":"([^"]*)"')
_TAGGING_LENGTH_MAX = 16 * 1024


async def list_buckets(call: Call) -> Response:
    """ListBuckets: the caller's buckets in all regions."""
    size = page_size(call.param("max-keys"), "max-keys")
    if size == 0:
        call.bad_argument("max-keys", "0")
    buckets, page = call.world.oss.buckets.list(
        call.visit,
        prefix=call.param("prefix"),
        marker=call.param("marker"),
        size=size,
        tags=_wanted_tags(call),
        resource_group=call.header("x-oss-resource-group-id"),
    )
    owner = call.request.caller.account_id if call.request.caller else ""
    return answer(
        "ListAllMyBucketsResult",
        [
            # Where everything is shown, nothing is said of the page. [reference]
            *(_page(call, size, page) if page.truncated else ()),
            ("Owner", [("ID", owner), ("DisplayName", owner)]),
            ("Buckets", [_bucket(bucket) for bucket in buckets]),
        ],
    )


def _page(call: Call, size: int, page: Page) -> list[xml.Node]:
    return [
        ("Prefix", call.param("prefix")),
        ("Marker", call.param("marker")),
        ("MaxKeys", size),
        ("IsTruncated", True),
        ("NextMarker", page.next_marker),
    ]


async def get_public_access_block(call: Call) -> Response:
    """GetPublicAccessBlock: of the whole account."""
    block = call.world.oss.gate.account_blocks_public_access(call.visit)
    return answer("PublicAccessBlockConfiguration", [("BlockPublicAccess", block)])


async def put_public_access_block(call: Call) -> Response:
    """PutPublicAccessBlock."""
    wish = await call.xml("PublicAccessBlockConfiguration")
    block = xml.text(wish, "BlockPublicAccess").lower() == "true"
    call.world.oss.gate.block_public_access(call.visit, block=block)
    return Response()


async def delete_public_access_block(call: Call) -> Response:
    """DeletePublicAccessBlock."""
    call.world.oss.gate.block_public_access(call.visit, block=False)
    return Response(status=204)


def _wanted_tags(call: Call) -> dict[str, str | None]:
    """Read ``tag-key`` and ``tag-value``, and ``tagging="a":"1","b":"2"``."""
    tags: dict[str, str | None] = dict(
        _QUOTED_PAIR.findall(call.param("tagging")[:_TAGGING_LENGTH_MAX])
    )
    if key := call.param("tag-key"):
        tags[key] = call.param("tag-value") if call.has_param("tag-value") else None
    return tags


def _bucket(bucket: Bucket) -> xml.Node:
    public, internal = endpoints(bucket.region)
    return (
        "Bucket",
        [
            ("CreationDate", iso_date(bucket.created_at)),
            ("ExtranetEndpoint", public),
            ("IntranetEndpoint", internal),
            ("Location", f"oss-{bucket.region}"),
            ("Name", bucket.name),
            ("Region", bucket.region),
            ("ResourceGroupId", bucket.resource_group),
            ("StorageClass", bucket.storage_class),
            ("Tagging", [tag_set(bucket.tags)] if bucket.tags else None),
        ],
    )


async def describe_regions(call: Call) -> Response:
    """DescribeRegions: endpoints of all regions with object storage, or of one."""
    wanted = call.param("regions")
    call.world.oss.gate.authorize(call.visit, "DescribeRegions", "acs:oss:*:*:*")
    regions = [
        region.id
        for region in call.world.profile.regions
        if region.oss not in (OssMode.NONE, OssMode.UNRESOLVED)
        and wanted in ("", f"oss-{region.id}")
    ]
    if not regions:
        raise refusal("NoSuchRegion", RegionId=wanted[:64])
    return answer("RegionInfoList", [_region(region) for region in regions])


def _region(region_id: str) -> xml.Node:
    public, internal = endpoints(region_id)
    return (
        "RegionInfo",
        [
            ("Region", f"oss-{region_id}"),
            ("InternetEndpoint", public),
            ("InternalEndpoint", internal),
            ("AccelerateEndpoint", "oss-accelerate.aliyuncs.com"),
        ],
    )
