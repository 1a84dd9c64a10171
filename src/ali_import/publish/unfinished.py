"""What a run that was killed has sent already, so that the next one goes on with it.

It is found by listing our buckets. Keys say what is in an upload (``assembly.stem_of``), so
the parts of one fit if their checksums do.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import anyio

from ali_import.cloud.calls import (
    ListBuckets,
    ListMultipartUploads,
    ListObjects,
    ListParts,
)
from ali_import.cloud.steady import BRIEF
from ali_import.cloud.values import Bucket, StoredPart
from ali_import.disk.pack import Pack
from ali_import.errors import CloudError
from ali_import.publish.context import Context
from ali_import.publish.guests import LEFT, guests
from ali_import.publish.lease import PREFIX, of_name
from ali_import.units import MINUTE_S

_TIME_LEFT_S_MIN: Final = 15 * MINUTE_S
"""A bucket whose lease is over before may be removed while a guest enters."""
_LISTINGS_MAX: Final = 3


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An upload in another run's bucket.

    Attributes:
        run_id: Whose bucket it is.
        upload_id: "" if the object is there, whole.
        parts: Those that are as they should be.
        size_bytes: How many bytes they have.
    """

    region: str
    bucket: str
    run_id: str
    upload_id: str = ""
    parts: tuple[StoredPart, ...] = ()
    size_bytes: int = 0


async def find(
    context: Context,
    buckets: Iterable[Bucket],
    key: str,
    pack: Pack,
    *,
    relay: str = "",
) -> Unfinished | None:
    """Look for the upload of a pack of which most is there; None if there is none.

    Args:
        context: The run's.
        buckets: Where to look.
        key: What the pack is called.
        pack: Its parts.
        relay: The function that carries the calls, or "" for none.
    """
    found: list[Unfinished] = []

    async def look(bucket: Bucket) -> None:
        try:
            found.extend(await _in_bucket(context, bucket, key, pack, relay))
        except CloudError as error:
            context.note(
                f"cannot look for an unfinished upload in {bucket.name}: {error.code}",
                region=bucket.region,
            )

    async with anyio.create_task_group() as tasks:
        for bucket in buckets:
            tasks.start_soon(look, bucket)
    return max(found, key=lambda x: (x.size_bytes, x.bucket), default=None)


async def others_buckets(context: Context, regions: Collection[str]) -> list[Bucket]:
    """Return other runs' buckets; any region that has OSS lists those of all."""
    for region in tuple(regions)[:_LISTINGS_MAX]:
        try:
            listed = ListBuckets(region=region, prefix=PREFIX)
            buckets = await context.cloud.call(listed, BRIEF)
        except CloudError:
            continue
        return [
            bucket
            for bucket in buckets
            if (lease := of_name(bucket.name)) is not None
            and lease.run_id != context.lease.run_id
            and bucket.region in regions
        ]
    return []


async def _in_bucket(
    context: Context, bucket: Bucket, key: str, pack: Pack, relay: str
) -> list[Unfinished]:
    """Return what a bucket has of a pack, if its lease leaves the time to go on."""
    cloud, region = context.cloud, bucket.region
    objects = await cloud.call(
        ListObjects(region=region, bucket=bucket.name, relay=relay), BRIEF
    )
    keys = {item.key: item.size_bytes for item in objects}
    owner = of_name(bucket.name)
    assert owner is not None
    until = max(lease.expires_at for lease in (owner, *guests(keys)))
    if LEFT in keys or until < context.now() + _TIME_LEFT_S_MIN:
        return []
    if keys.get(key) == pack.size_bytes:
        whole = Unfinished(
            region=region,
            bucket=bucket.name,
            run_id=owner.run_id,
            size_bytes=pack.size_bytes,
        )
        return [whole]
    uploads = await cloud.call(
        ListMultipartUploads(region=region, bucket=bucket.name, relay=relay), BRIEF
    )
    found: list[Unfinished] = []
    for upload in uploads:
        if upload.key != key:
            continue
        listed = ListParts(
            region=region,
            bucket=bucket.name,
            relay=relay,
            key=key,
            upload_id=upload.upload_id,
        )
        fitting = _fitting(await cloud.call(listed, BRIEF), pack)
        found.append(
            Unfinished(
                region=region,
                bucket=bucket.name,
                run_id=owner.run_id,
                upload_id=upload.upload_id,
                parts=fitting,
                size_bytes=sum(part.size_bytes for part in fitting),
            )
        )
    return [upload for upload in found if upload.parts]


def _fitting(stored: Collection[StoredPart], pack: Pack) -> tuple[StoredPart, ...]:
    """Return the parts that hold what they should."""
    wanted = {part.number: part for part in pack.parts}
    return tuple(
        part
        for part in stored
        if (should := wanted.get(part.number)) is not None
        and part.holds(should.length, should.md5)
    )
