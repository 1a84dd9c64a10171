"""Staging: getting an image's bytes into the object store of a region."""

from typing import Final

from ali_import.cloud.calls import PutObject, UploadPart
from ali_import.cloud.steady import NORMAL, RELAYED
from ali_import.cloud.values import Fetch, LocalBody, ObjectSource, StoredPart
from ali_import.disk import DiskImage
from ali_import.disk.pack import Part
from ali_import.errors import CloudError, SourcesGoneError
from ali_import.publish.assembly import Assembly, stem_of
from ali_import.publish.context import Track
from ali_import.publish.model import Step
from ali_import.publish.region import Region
from ali_import.publish.sources import Sources
from ali_import.publish.unfinished import Unfinished
from ali_import.publish.upload import Upload
from ali_import.units import sized

_SOURCES_MAX: Final = 5
_GONE: Final = frozenset({"NoSuchUpload", "NoSuchBucket"})


def pack_key(image: DiskImage, *, fetched: bool = False) -> str:
    """Return what an image's pack is called where it comes from here, or from elsewhere.

    Other runs go on with what comes from here.
    """
    suffix = "pack" if image.pack.pieces else image.format.lower()
    return f"{stem_of(image)}{'.fetched' if fetched else ''}.{suffix}"


class Staging:
    """Puts one image's bytes into the bucket of a region.

    First comes what goes up of it, its pack; of that the image's object is made where it
    is (``assembly.py``).

    Args:
        region: Where to.
        image: Whose bytes.
        track: Told how far it is.
        relay: The function to send through, or "" to send directly.
        sources: Where the relay fetches the bytes; None to send them from the file.
        unfinished: What another run has sent already.
    """

    def __init__(
        self,
        region: Region,
        image: DiskImage,
        track: Track,
        *,
        relay: str,
        sources: Sources | None = None,
        unfinished: Unfinished | None = None,
    ) -> None:
        self._region = region
        self._image = image
        self._track = track
        self._relay = relay
        self._sources = sources
        self._unfinished = unfinished
        self._bucket = region.workspace.bucket
        self._key = pack_key(image, fetched=sources is not None)

    async def run(self) -> ObjectSource:
        """Store the bytes, and return the object to import.

        Raises:
            CloudError: The region does not take them, or no source could be read.
        """
        return await self.make(await self.bring())

    async def bring(self) -> ObjectSource:
        """Store the pack, and return where it is.

        Raises:
            CloudError: The region does not take it, or no source could be read.
        """
        self._track.enter(Step.STAGE)
        self._tell()
        if self._unfinished is not None:
            pack = await self._go_on(self._unfinished)
            if pack is not None:
                return pack
        workspace, parts = self._region.workspace, self._image.pack.parts
        workspace.will_hold(self._key)
        if self._sources is None and self._image.pack.is_large:
            workspace.may_get_guests()
        if len(parts) == 1:
            await self._put(parts[0], None)
        else:
            await self._store(self._upload(self._bucket))
        return ObjectSource(region=self._region.id, bucket=self._bucket, key=self._key)

    async def make(self, pack: ObjectSource) -> ObjectSource:
        """Make the image's object of its pack, and return where it is.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        return await Assembly(self._region, self._image, pack, relay=self._relay).run()

    def _tell(self) -> None:
        """Tell how much of a large file goes up, and what of that need not."""
        pack = self._image.pack
        if self._sources is not None or not pack.pieces:
            return
        text = f"uploading {sized(pack.size_bytes)} of {self._image.path.name}"
        if pack.gap_bytes:
            text += (
                f", {sized(pack.gap_bytes)} of it zeros, since its data are scattered"
            )
        self._region.note(text)

    async def _go_on(self, found: Unfinished) -> ObjectSource | None:
        """Go on with an upload of another run; None if it is gone meanwhile.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        region = self._region
        if not await region.workspace.visit(found.bucket, relay=self._relay):
            return None
        there = f"{sized(found.size_bytes)} of {sized(self._image.pack.size_bytes)}"
        region.note(f"resumes the upload of run {found.run_id}: {there} are there")
        if found.upload_id:
            upload = self._upload(found.bucket)
            upload.id = found.upload_id
            upload.stored.update((part.number, part) for part in found.parts)
            try:
                await self._store(upload)
            except CloudError as error:
                if error.code not in _GONE:
                    raise
                region.note(f"the upload of run {found.run_id} is gone: {error.code}")
                return None
        return ObjectSource(region=region.id, bucket=found.bucket, key=self._key)

    async def _store(self, upload: Upload) -> None:
        numbers = [part.number for part in self._image.pack.parts]
        await upload.run(numbers, self._put_part)

    def _upload(self, bucket: str) -> Upload:
        size_bytes = self._image.pack.size_bytes
        return Upload(self._region, bucket, self._key, size_bytes, relay=self._relay)

    async def _put_part(self, upload: Upload, number: int) -> StoredPart:
        parts = self._image.pack.parts
        stored = await self._put(parts[number - 1], upload)
        assert stored is not None
        done = len(upload.stored) + 1
        self._track.enter(Step.STAGE, progress=100 * done // len(parts))
        return stored

    async def _put(self, part: Part, upload: Upload | None) -> StoredPart | None:
        """Store one part, from the sources that are still there."""
        while True:
            try:
                return await self._put_once(part, upload)
            except SourcesGoneError as error:
                assert self._sources is not None
                self._sources.drop_objects(error.gone)
                if not self._sources.objects:
                    raise

    async def _put_once(self, part: Part, upload: Upload | None) -> StoredPart | None:
        """Store one part, or the whole object where it is the only one."""
        region, cloud = self._region.id, self._region.cloud
        body = self._body(part)
        # A function may be dying every time: then there is another way in.
        inline = self._relay and self._sources is None
        patience = RELAYED if inline else NORMAL
        if upload is None:
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
                bucket=upload.bucket,
                relay=self._relay,
                key=upload.key,
                upload_id=upload.id,
                number=part.number,
                body=body,
                content_md5=part.md5,
            ),
            patience,
        )

    def _body(self, part: Part) -> LocalBody | Fetch:
        if self._sources is None:
            return self._image.pack.body(self._image.content, part)
        sources = list(self._sources.objects)
        self._region.context.rng.shuffle(sources)
        chosen = tuple(sources[:_SOURCES_MAX])
        return Fetch(sources=chosen, offset=part.offset, length=part.length)
