"""Staging: getting an image's bytes into the object store of a region."""

from typing import Final

import anyio

from ali_import.cloud.calls import (
    CompleteMultipartUpload,
    InitiateMultipartUpload,
    ListObjects,
    PutObject,
    UploadPart,
)
from ali_import.cloud.steady import NORMAL, RELAYED
from ali_import.cloud.values import Fetch, FileRange, StoredPart
from ali_import.disk import DiskImage
from ali_import.disk.parts import Part
from ali_import.errors import CloudError, SourcesGoneError
from ali_import.publish.context import Track
from ali_import.publish.model import Step
from ali_import.publish.region import Region
from ali_import.publish.sources import Sources

_PARTS_AT_ONCE: Final = 4
_SOURCES_MAX: Final = 5


class Staging:
    """Puts one image's bytes into the bucket of a region, in parts.

    Args:
        region: Where to.
        image: Whose bytes.
        track: Told how far it is.
        relay: The function to send through, or "" to send directly.
        sources: Where the relay fetches the bytes; None to send them from the file.
    """

    def __init__(
        self,
        region: Region,
        image: DiskImage,
        track: Track,
        *,
        relay: str,
        sources: Sources | None = None,
    ) -> None:
        self._region = region
        self._image = image
        self._track = track
        self._relay = relay
        self._sources = sources
        self._bucket = region.workspace.bucket
        # Named by its content; ImportImage checks the suffix.
        self._key = f"{image.sha256[:32]}.{image.format.lower()}"

    async def run(self) -> str:
        """Store the bytes, and return the object's key.

        Raises:
            CloudError: The region does not take them, or no source could be read.
        """
        self._track.enter(Step.STAGE)
        self._region.workspace.will_hold(self._key)
        parts, cloud = self._image.parts, self._region.cloud
        if len(parts) == 1:
            await self._put(parts[0], "")
            return self._key
        upload_id = await cloud.call(
            InitiateMultipartUpload(
                region=self._region.id,
                bucket=self._bucket,
                relay=self._relay,
                key=self._key,
            )
        )
        stored = await self._put_all(upload_id)
        complete = CompleteMultipartUpload(
            region=self._region.id,
            bucket=self._bucket,
            relay=self._relay,
            key=self._key,
            upload_id=upload_id,
            parts=stored,
        )
        try:
            await cloud.call(complete)
        except CloudError as error:
            # An upload that is not there any more may be one that was completed, and
            # the answer got lost: then the object is there, whole.
            if error.code != "NoSuchUpload" or not await self._is_stored():
                raise
        return self._key

    async def _put_all(self, upload_id: str) -> tuple[StoredPart, ...]:
        """Store every part, several at once; the first error is the one that counts."""
        parts = self._image.parts
        stored: dict[int, StoredPart] = {}
        errors: list[CloudError] = []
        queue = iter(parts)

        async def work() -> None:
            for part in queue:
                if errors:
                    return
                try:
                    done = await self._put(part, upload_id)
                except CloudError as error:
                    errors.append(error)
                    return
                assert done is not None
                stored[part.number] = done
                self._track.enter(Step.STAGE, progress=100 * len(stored) // len(parts))

        async with anyio.create_task_group() as tasks:
            for _ in range(_PARTS_AT_ONCE):
                tasks.start_soon(work)
        if errors:
            raise errors[0]
        return tuple(stored[number] for number in sorted(stored))

    async def _put(self, part: Part, upload_id: str) -> StoredPart | None:
        """Store one part, from the sources that are still there."""
        while True:
            try:
                return await self._put_once(part, upload_id)
            except SourcesGoneError as error:
                assert self._sources is not None
                self._sources.drop_objects(error.gone)
                if not self._sources.objects:
                    raise

    async def _put_once(self, part: Part, upload_id: str) -> StoredPart | None:
        """Store one part, or the whole object where it is the only one."""
        region, cloud = self._region.id, self._region.cloud
        body = self._body(part)
        # A function may be dying every time: then there is another way in.
        inline = self._relay and self._sources is None
        patience = RELAYED if inline else NORMAL
        if not upload_id:
            put = PutObject(
                region=region,
                bucket=self._bucket,
                relay=self._relay,
                key=self._key,
                body=body,
                content_md5=part.md5,
            )
            await cloud.call(put, patience)
            return None
        return await cloud.call(
            UploadPart(
                region=region,
                bucket=self._bucket,
                relay=self._relay,
                key=self._key,
                upload_id=upload_id,
                number=part.number,
                body=body,
                content_md5=part.md5,
            ),
            patience,
        )

    def _body(self, part: Part) -> FileRange | Fetch:
        if self._sources is None:
            path = self._image.content
            return FileRange(path=path, offset=part.offset, length=part.length)
        sources = list(self._sources.objects)
        self._region.context.rng.shuffle(sources)
        chosen = tuple(sources[:_SOURCES_MAX])
        return Fetch(sources=chosen, offset=part.offset, length=part.length)

    async def _is_stored(self) -> bool:
        found = await self._region.cloud.call(
            ListObjects(region=self._region.id, bucket=self._bucket, relay=self._relay)
        )
        wanted = (self._key, self._image.file_bytes)
        return any((item.key, item.size_bytes) == wanted for item in found)
