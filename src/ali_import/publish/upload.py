"""Storing an object in parts: several at once, as many as the way there bears."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import anyio
from anyio.abc import TaskGroup

from ali_import.cloud.calls import (
    CompleteMultipartUpload,
    InitiateMultipartUpload,
    ListObjects,
)
from ali_import.cloud.values import StoredPart
from ali_import.errors import CloudError
from ali_import.publish.region import Region

_AT_ONCE_MIN: Final = 2
_AT_ONCE_MAX: Final = 16
_FAST_S: Final = 2.0
"""A part of 8 MiB that takes less leaves room for another one beside it; of a link of
1 MB/s two take a quarter of a minute."""
_SLOW_S: Final = 20.0
"""One that takes longer is too many: what is under way when a run is killed is lost."""

Put = Callable[["Upload", int], Awaitable[StoredPart]]
"""Stores the part of a number."""


class Upload:
    """An object of a bucket that is stored in parts.

    Args:
        region: Where the bucket is.
        bucket: Its name.
        key: The object's key.
        size_bytes: How large the object will be.
        relay: The function that carries the calls, or "" for none.

    Attributes:
        id: What the cloud calls it; "" before it has begun.
        stored: The parts that are there, by number.
    """

    def __init__(
        self, region: Region, bucket: str, key: str, size_bytes: int, *, relay: str
    ) -> None:
        self.region = region
        self.bucket = bucket
        self.key = key
        self.relay = relay
        self.id = ""
        self.stored: dict[int, StoredPart] = {}
        self._size_bytes = size_bytes
        self._errors: list[CloudError] = []
        self._working = 0

    async def run(self, numbers: Iterable[int], put: Put) -> None:
        """Store the parts that are missing, and make the object of all.

        Args:
            numbers: Of the parts, from 1.
            put: Stores one.

        Raises:
            CloudError: The first one counts.
        """
        if not self.id:
            self.id = await self.region.cloud.call(
                InitiateMultipartUpload(
                    region=self.region.id,
                    bucket=self.bucket,
                    relay=self.relay,
                    key=self.key,
                )
            )
        missing = iter([n for n in numbers if n not in self.stored])

        async def work(tasks: TaskGroup) -> None:
            self._working += 1
            for number in missing:
                if self._errors:
                    break
                began = anyio.current_time()
                try:
                    self.stored[number] = await put(self, number)
                except CloudError as error:
                    self._errors.append(error)
                    break
                took_s = anyio.current_time() - began
                if took_s < _FAST_S and self._working < _AT_ONCE_MAX:
                    tasks.start_soon(work, tasks)
                elif took_s > _SLOW_S and self._working > _AT_ONCE_MIN:
                    break
            self._working -= 1

        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_ONCE_MIN):
                tasks.start_soon(work, tasks)
        if not self._errors:
            await self._complete()
        # Another run that goes on with it may have completed it meanwhile.
        elif self._errors[0].code != "NoSuchUpload" or not await self.is_done():
            raise self._errors[0]

    async def _complete(self) -> None:
        complete = CompleteMultipartUpload(
            region=self.region.id,
            bucket=self.bucket,
            relay=self.relay,
            key=self.key,
            upload_id=self.id,
            parts=tuple(self.stored[number] for number in sorted(self.stored)),
        )
        try:
            await self.region.cloud.call(complete)
        except CloudError as error:
            # An upload that is not there any more may be one that was completed, and
            # the answer got lost: then the object is there, whole.
            if error.code != "NoSuchUpload" or not await self.is_done():
                raise

    async def is_done(self) -> bool:
        """Look whether the object is there, of the size that it has to have."""
        found = await self.region.cloud.call(
            ListObjects(region=self.region.id, bucket=self.bucket, relay=self.relay)
        )
        wanted = (self.key, self._size_bytes)
        return any((item.key, item.size_bytes) == wanted for item in found)
