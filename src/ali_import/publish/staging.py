"""Staging: getting an image's bytes into the object store of a region."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from ali_import.cloud.calls import (
    CompleteMultipartUpload,
    InitiateMultipartUpload,
    ListObjects,
    PutObject,
    UploadPart,
)
from ali_import.cloud.steady import NORMAL, RELAYED, Patience
from ali_import.cloud.values import Body, Fetch, FileRange, StoredPart
from ali_import.disk.parts import Part
from ali_import.errors import CloudError
from ali_import.publish.job import Job
from ali_import.publish.model import Step

_PARTS_AT_ONCE: Final = 4
_SOURCES_MAX: Final = 5

PutPart = Callable[[Part, str], Awaitable[StoredPart | None]]


def object_key(job: Job) -> str:
    """Name the staged object by its content; a suffix is checked by ImportImage."""
    return f"{job.target.image.sha256[:32]}.raw"


async def stage_file(job: Job, *, relay: str) -> str:
    """Store the local file in the region's bucket, and return its key.

    Args:
        job: Whose image.
        relay: Function to send the bytes through, or "" to send them directly.

    Raises:
        CloudError: The region does not take them.
    """
    path = job.target.image.path

    async def put(part: Part, upload_id: str) -> StoredPart | None:
        body = FileRange(path=path, offset=part.offset, length=part.length)
        # A relayed body is held in memory; a direct one streams from the file.
        async with job.uplink.take(part.length):
            return await _put(
                job,
                part,
                upload_id,
                body,
                relay=relay,
                patience=RELAYED if relay else NORMAL,
            )

    return await _stage(job, relay, put)


async def stage_fetched(job: Job, *, relay: str) -> str:
    """Have the relay fetch the object from the regions that staged it already.

    Raises:
        CloudError: The region does not take it, or no source could be read.
    """

    async def put(part: Part, upload_id: str) -> StoredPart | None:
        sources = list(job.sources.objects)
        job.context.rng.shuffle(sources)
        body = Fetch(
            sources=tuple(sources[:_SOURCES_MAX]),
            offset=part.offset,
            length=part.length,
        )
        return await _put(job, part, upload_id, body, relay=relay)

    return await _stage(job, relay, put)


async def _put(
    job: Job,
    part: Part,
    upload_id: str,
    body: Body,
    *,
    relay: str,
    patience: Patience = NORMAL,
) -> StoredPart | None:
    """Store one part, or the whole object where it is the only one."""
    cloud, bucket = job.context.cloud, job.site.workspace.bucket
    if not upload_id:
        await cloud.call(
            PutObject(
                region=job.region,
                bucket=bucket,
                relay=relay,
                key=object_key(job),
                body=body,
                content_md5=part.md5,
            ),
            patience,
        )
        return None
    return await cloud.call(
        UploadPart(
            region=job.region,
            bucket=bucket,
            relay=relay,
            key=object_key(job),
            upload_id=upload_id,
            number=part.number,
            body=body,
            content_md5=part.md5,
        ),
        patience,
    )


async def _stage(job: Job, relay: str, put: PutPart) -> str:
    job.enter(Step.STAGE)
    key, parts = object_key(job), job.target.image.parts
    if len(parts) == 1:
        await put(parts[0], "")
        return key
    cloud, region, bucket = job.context.cloud, job.region, job.site.workspace.bucket
    upload_id = await cloud.call(
        InitiateMultipartUpload(region=region, bucket=bucket, relay=relay, key=key)
    )
    stored = await _put_all(job, parts, upload_id, put)
    complete = CompleteMultipartUpload(
        region=region,
        bucket=bucket,
        relay=relay,
        key=key,
        upload_id=upload_id,
        parts=stored,
    )
    try:
        await cloud.call(complete)
    except CloudError as error:
        # An upload that is not there any more may be one that was completed, and the
        # answer got lost: then the object is there, whole.
        if error.code != "NoSuchUpload" or not await _is_stored(job, relay):
            raise
    return key


async def _put_all(
    job: Job, parts: tuple[Part, ...], upload_id: str, put: PutPart
) -> tuple[StoredPart, ...]:
    """Store every part, several at once; the first error is the one that counts."""
    stored: dict[int, StoredPart] = {}
    errors: list[CloudError] = []
    queue = iter(parts)

    async def work() -> None:
        for part in queue:
            if errors:
                return
            try:
                done = await put(part, upload_id)
            except CloudError as error:
                errors.append(error)
                return
            assert done is not None
            stored[part.number] = done
            job.enter(Step.STAGE, progress=100 * len(stored) // len(parts))

    async with anyio.create_task_group() as tasks:
        for _ in range(_PARTS_AT_ONCE):
            tasks.start_soon(work)
    if errors:
        raise errors[0]
    return tuple(stored[number] for number in sorted(stored))


async def _is_stored(job: Job, relay: str) -> bool:
    found = await job.context.cloud.call(
        ListObjects(region=job.region, bucket=job.site.workspace.bucket, relay=relay)
    )
    wanted = (object_key(job), job.target.image.file_bytes)
    return any((item.key, item.size_bytes) == wanted for item in found)
