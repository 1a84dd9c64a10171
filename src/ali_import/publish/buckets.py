"""Removing a bucket with everything in it, from here or through a relay."""

from collections.abc import Sequence
from typing import Final

from ali_import.cloud.calls import (
    AbortMultipartUpload,
    DeleteBucket,
    DeleteObjects,
    ListMultipartUploads,
    ListObjects,
)
from ali_import.cloud.steady import NORMAL, Patience, Steady
from ali_import.errors import CloudError

_KEYS_PER_CALL: Final = 1000
_EMPTYING_ROUNDS_MAX: Final = 8


async def remove_bucket(
    cloud: Steady,
    region: str,
    bucket: str,
    *,
    relay: str = "",
    patience: Patience = NORMAL,
) -> None:
    """Delete a bucket with its objects and unfinished uploads, if it is there.

    Deleting an empty bucket needs no data call, so that is tried first: it is all it
    takes where nothing was stored, also in regions that refuse data calls from here.

    Raises:
        CloudError: It could not be emptied or deleted.
    """
    for round_ in range(_EMPTYING_ROUNDS_MAX):
        try:
            await cloud.call(DeleteBucket(region=region, bucket=bucket), patience)
        except CloudError as error:
            last = round_ + 1 == _EMPTYING_ROUNDS_MAX
            if error.code != "BucketNotEmpty" or last:
                raise
        else:
            return
        await _empty_bucket(cloud, region, bucket, relay, patience)


async def _empty_bucket(
    cloud: Steady, region: str, bucket: str, relay: str, patience: Patience
) -> None:
    uploads = await cloud.call(
        ListMultipartUploads(region=region, bucket=bucket, relay=relay), patience
    )
    for upload in uploads:
        abort = AbortMultipartUpload(
            region=region,
            bucket=bucket,
            relay=relay,
            key=upload.key,
            upload_id=upload.upload_id,
        )
        await cloud.call(abort, patience)
    stored = await cloud.call(
        ListObjects(region=region, bucket=bucket, relay=relay), patience
    )
    for keys in _chunks([item.key for item in stored], _KEYS_PER_CALL):
        await cloud.call(
            DeleteObjects(region=region, bucket=bucket, relay=relay, keys=keys),
            patience,
        )


def _chunks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
