"""Making a disk's object of its pack, by copies inside the region: no byte is sent.

The pieces of a file (``disk/pack.py``) become parts of an object, each the copy of a range
of the pack, or of zeros. There are few zeros in the pack, so objects of more and more
zeros are made of them first. A file of more pieces than an object may have parts is made
of slabs, each an object of pieces.

Source:
    UploadPartCopy in the OSS API reference: the source is in the same region, and every
    part but the last is larger than 100 KB.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ali_import.cloud.calls import UploadPartCopy
from ali_import.cloud.values import ObjectSource, StoredPart
from ali_import.disk import DiskImage
from ali_import.disk.pack import PARTS_MAX
from ali_import.publish.region import Region
from ali_import.publish.upload import Upload
from ali_import.units import MIB

COPY_BYTES_MAX: Final = 256 * MIB
"""A copy is answered when it is done, so one of 5 GB, as OSS allows, may take minutes."""
_GROWTH: Final = 16


class Stretch(NamedTuple):
    """A range of an object of the region."""

    bucket: str
    key: str
    offset: int
    length: int


def stem_of(image: DiskImage) -> str:
    """Return what the keys of an image's objects begin with.

    They name the content and how it was cut, so that two objects, or parts, of one name
    and number are the same, whoever stored them.
    """
    stem = image.sha256[:32]
    return f"{stem}-{image.pack.id}" if image.pack.is_large else stem


class Assembly:
    """Makes the object of an image in the bucket of a region.

    Args:
        region: Where.
        image: Whose object.
        pack: Where its pack is, in the same region.
        relay: The function that carries the calls, or "" for none.
    """

    def __init__(
        self, region: Region, image: DiskImage, pack: ObjectSource, *, relay: str
    ) -> None:
        self._region = region
        self._pack = image.pack
        self._source = pack
        self._relay = relay
        self._bucket = region.workspace.bucket
        self._stem = stem_of(image)
        self._suffix = image.format.lower()

    async def run(self) -> ObjectSource:
        """Make it, and return where it is.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        if not self._pack.pieces:
            return self._source
        found = list(self._stretches(await self._grown_zeros()))
        if len(found) > PARTS_MAX:
            found = await self._in_slabs(found)
        # ImportImage checks the suffix.
        made = await self._joined(f"{self._stem}.{self._suffix}", found)
        return ObjectSource(region=self._region.id, bucket=made.bucket, key=made.key)

    def _stretches(self, zeros: Stretch) -> Iterator[Stretch]:
        """Give what the file is made of, in stretches that can be copied at once."""
        for length, source in self._pack.pieces:
            if source is None:
                for at in range(0, length, zeros.length):
                    yield zeros._replace(length=min(zeros.length, length - at))
            else:
                yield from _cut(self._from_pack(source, length))

    def _from_pack(self, offset: int, length: int) -> Stretch:
        return Stretch(self._source.bucket, self._source.key, offset, length)

    async def _grown_zeros(self) -> Stretch:
        """Return zeros to copy, after making as many as will save calls."""
        gaps = [length for length, source in self._pack.pieces if source is None]
        zeros = self._from_pack(self._pack.zeros_at, self._pack.zeros)
        while gaps and zeros.length < COPY_BYTES_MAX:
            times = min(_GROWTH, COPY_BYTES_MAX // zeros.length)
            calls_now = _copies(gaps, zeros.length)
            if times + 2 + _copies(gaps, times * zeros.length) >= calls_now:
                break
            key = f"{self._stem}.zeros-{times * zeros.length}"
            zeros = await self._joined(key, [zeros] * times)
        return zeros

    async def _in_slabs(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """Make an object of every 10,000 stretches; return what is to be copied then."""
        found: list[Stretch] = []
        for number, at in enumerate(range(0, len(stretches), PARTS_MAX)):
            some = stretches[at : at + PARTS_MAX]
            slab = await self._joined(f"{self._stem}.slab-{number}", some)
            found.extend(_cut(slab))
        return found

    async def _joined(self, key: str, stretches: Sequence[Stretch]) -> Stretch:
        """Make an object of stretches, one after the other."""
        size_bytes = sum(stretch.length for stretch in stretches)
        self._region.workspace.will_hold(key)
        upload = Upload(self._region, self._bucket, key, size_bytes, relay=self._relay)

        async def put(upload: Upload, number: int) -> StoredPart:
            source = stretches[number - 1]
            return await self._region.cloud.call(
                UploadPartCopy(
                    region=self._region.id,
                    bucket=upload.bucket,
                    relay=upload.relay,
                    key=upload.key,
                    upload_id=upload.id,
                    number=number,
                    source_bucket=source.bucket,
                    source_key=source.key,
                    offset=source.offset,
                    length=source.length,
                )
            )

        await upload.run(range(1, len(stretches) + 1), put)
        return Stretch(self._bucket, key, 0, size_bytes)


def _cut(stretch: Stretch) -> Iterator[Stretch]:
    """Give a stretch in pieces that can be copied at once."""
    for at in range(0, stretch.length, COPY_BYTES_MAX):
        length = min(COPY_BYTES_MAX, stretch.length - at)
        yield stretch._replace(offset=stretch.offset + at, length=length)


def _copies(gaps: Sequence[int], zeros: int) -> int:
    """Return how many copies of so many zeros fill the gaps."""
    return sum(-(-gap // zeros) for gap in gaps)
