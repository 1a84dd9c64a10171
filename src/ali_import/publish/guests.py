"""Buckets that several runs use: who is there, and who leaves last.

A run may go on with an upload in another run's bucket (``unfinished.py``), and be its
guest while the owner, for all it knows, is at work. The cloud has no locks, so each says
what it is about to do before it looks: a guest puts its mark into the bucket, and then
looks whether the owner has left; who leaves says so, and then looks for guests. At least
one of the two sees the other. Whoever leaves last removes the bucket, and the word that
the owner has left at the very last, after one more look: whoever comes meanwhile sees it.

A mark holds the guest's lease. So a bucket is in use until the last lease is over: that of
its name, or of a mark.
"""

import re
from collections.abc import Iterable
from typing import Final

from ali_import.cloud.calls import DeleteObjects, ListObjects, PutObject
from ali_import.cloud.steady import Steady
from ali_import.errors import ApiError
from ali_import.publish.lease import Lease

LEFT: Final = "left"
"""The key that says that the owner has left."""
IN_USE: Final = "BucketInUse"
"""Our own code: a bucket is not removed, since another run uses it."""

_MARK: Final = re.compile(r"guest-(?P<run>[0-9a-f]{8})-(?P<expires>[0-9a-f]{8})")
_BODY: Final = b"ali-import"
_BODY_MD5: Final = "ad1d15166441d098cface9775afdbf14"


def mark_of(lease: Lease) -> str:
    """Return the key that says that a run is a guest."""
    return f"guest-{lease.run_id}-{lease.expires_at:08x}"


def guests(keys: Iterable[str]) -> list[Lease]:
    """Return the leases of the guests that have left a mark among these keys."""
    found = (_MARK.fullmatch(key) for key in keys)
    return [
        Lease(run_id=match["run"], expires_at=int(match["expires"], 16))
        for match in found
        if match is not None
    ]


def refuse_if_used(
    region: str, bucket: str, keys: Iterable[str], *, now: float
) -> None:
    """Raise if a guest's lease is not over.

    Raises:
        ApiError: ``BucketInUse``.
    """
    live = [guest for guest in guests(keys) if guest.expires_at > now]
    if live:
        raise ApiError(
            f"run {live[0].run_id} uses bucket {bucket} and will remove it",
            region=region,
            operation="oss.DeleteBucket",
            code=IN_USE,
            http_status=409,
        )


async def put(cloud: Steady, region: str, bucket: str, key: str, relay: str) -> None:
    """Put a mark, or that the owner has left, into a bucket.

    Raises:
        CloudError: The region refuses or does not answer.
    """
    await cloud.call(
        PutObject(
            region=region,
            bucket=bucket,
            relay=relay,
            key=key,
            body=_BODY,
            content_md5=_BODY_MD5,
        )
    )


async def take_away(
    cloud: Steady, region: str, bucket: str, key: str, relay: str
) -> None:
    """Take a mark out of a bucket.

    Raises:
        CloudError: The region refuses or does not answer.
    """
    await cloud.call(
        DeleteObjects(region=region, bucket=bucket, relay=relay, keys=(key,))
    )


async def look(cloud: Steady, region: str, bucket: str, relay: str) -> list[str]:
    """Return the keys in a bucket.

    Raises:
        CloudError: The region refuses or does not answer.
    """
    listed = ListObjects(region=region, bucket=bucket, relay=relay)
    return [item.key for item in await cloud.call(listed)]
