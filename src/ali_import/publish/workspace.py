"""What a run puts into a region for its own use: a bucket, and maybe a relay."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

import anyio

from ali_import.cloud.calls import (
    AbortMultipartUpload,
    CreateFunction,
    DeleteBucket,
    DeleteFunction,
    DeleteObjects,
    ListMultipartUploads,
    ListObjects,
    PutBucket,
)
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.steady import RELAYED, Steady
from ali_import.errors import CloudError, HostNotFoundError
from ali_import.publish import guests
from ali_import.publish.context import Context
from ali_import.publish.model import Leftover
from ali_import.relay import package

_KEYS_PER_CALL: Final = 1000
_EMPTYING_ROUNDS_MAX: Final = 8

_Tried = CloudError | Literal[True] | None
"""Whether a thing was made: not tried yet (None), yes, or why not."""


class Workspace:
    """A region's temporary bucket and relay function, made when first needed.

    A thing counts as ours from the moment we *ask* for it, since the answer to a call
    that made it may get lost; so cleaning up never misses one.
    """

    def __init__(self, context: Context, region: str) -> None:
        self.region = region
        self.function = context.lease.function()
        self._context = context
        self._cloud = context.cloud
        self._bucket_lock = anyio.Lock()
        self._relay_lock = anyio.Lock()
        self._bucket_made: _Tried = None
        self._relay_made: _Tried = None
        self._direct: _Tried = None
        self._bucket_asked = False
        self._relay_asked = False
        self._buckets_removed = 0
        self._users = 0
        self._keys: dict[str, None] = {}
        self._may_have_guests = False
        self._left_to_guests: list[str] = []
        self._visit_lock = anyio.Lock()
        self._visits: dict[str, str] = {}
        self._guest_of: set[str] = set()

    @property
    def bucket(self) -> str:
        """The bucket's name.

        A name that was deleted is not to be had again for hours, so the one after it
        has a lease that is a second longer.
        """
        lease = self._context.lease
        expires_at = lease.expires_at + self._buckets_removed
        return dataclasses.replace(lease, expires_at=expires_at).bucket(self.region)

    async def need_bucket(self) -> None:
        """Have the bucket.

        Raises:
            CloudError: The region refuses; every later caller gets the same error.
        """
        async with self._bucket_lock:
            if self._bucket_made is None:
                put = PutBucket(region=self.region, bucket=self.bucket)
                try:
                    await self._cloud.call(put, on_send=self._bucket_is_asked_for)
                    self._bucket_made = True
                except CloudError as error:
                    self._bucket_asked = not _is_refused(error)
                    self._bucket_made = error
        _raise(self._bucket_made)

    async def need_direct(self) -> None:
        """Have the bucket, and know that it takes data calls from here.

        The question is put by listing the (new, empty) bucket: a data call, so the
        rule that closes public hosts to data calls answers it, and it moves no data.

        Raises:
            CloudError: PublicEndpointForbidden, or whatever else is in the way.
        """
        await self.need_bucket()
        async with self._bucket_lock:
            if self._direct is None:
                try:
                    await self._cloud.call(
                        ListObjects(region=self.region, bucket=self.bucket)
                    )
                    self._direct = True
                except CloudError as error:
                    self._direct = error
        _raise(self._direct)

    def refuse_direct(self, error: CloudError) -> None:
        """Remember that direct data calls are refused after all."""
        self._direct = error
        self._keys.clear()

    def will_hold(self, key: str) -> None:
        """Say what goes into the bucket: it can be emptied of that without a look."""
        self._keys[key] = None

    def may_get_guests(self) -> None:
        """Say that the bucket has what another run may go on with."""
        self._may_have_guests = True

    async def visit(self, bucket: str, *, relay: str) -> bool:
        """Become a guest in another run's bucket; False if its owner has left.

        Raises:
            CloudError: The region refuses or does not answer.
        """
        async with self._visit_lock:
            if bucket in self._guest_of:
                return True  # our mark was there before the owner left: it stays
            mark = guests.mark_of(self._context.lease)
            self._visits[bucket] = relay  # it may be there as soon as it is asked for
            try:
                await guests.put(self._cloud, self.region, bucket, mark, relay)
                keys = await guests.look(self._cloud, self.region, bucket, relay)
            except CloudError as error:
                if error.code != "NoSuchBucket":
                    raise
                del self._visits[bucket]
                return False
            if guests.LEFT in keys:
                await self._leave(bucket)
                return False
            self._guest_of.add(bucket)
            return True

    async def need_relay(self) -> None:
        """Have the relay function.

        Nobody waits for it to become Active: functions of built-in runtimes were seen
        never to (serverlessinsight#219, 2026-08). The first invocation tells.

        Raises:
            CloudError: There is no Function Compute, or it refuses.
        """
        async with self._relay_lock:
            if self._relay_made is None:
                try:
                    await self._make_relay()
                except CloudError as error:
                    self._relay_made = error
        _raise(self._relay_made)

    def _bucket_is_asked_for(self) -> None:
        self._bucket_asked = True

    def _relay_is_asked_for(self) -> None:
        self._relay_asked = True

    async def _make_relay(self) -> None:
        asked = self._relay_asked
        try:
            await self._cloud.call(
                CreateFunction(
                    region=self.region,
                    name=self.function,
                    description="ali-import relay; safe to delete",
                    runtime=package.RUNTIME,
                    handler=package.HANDLER,
                    code_zip=package.function_code(),
                    memory_mib=package.MEMORY_MIB,
                    timeout_s=package.TIMEOUT_S,
                    role_arn=self._context.role_arn,
                ),
                RELAYED,
                on_send=self._relay_is_asked_for,
            )
        except CloudError as error:
            # An earlier try may have made it.
            self._relay_asked = asked or not _is_refused(error)
            raise
        self._relay_made = True

    # --- cleaning up ------------------------------------------------------------------

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep what is here while inside, as far as it is not the end of the run."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1

    @property
    def idle(self) -> bool:
        """Whether nobody uses what is here."""
        return not self._users

    async def clean_up(self, *, if_idle: bool = False) -> None:
        """Remove the bucket with all in it, then the relay; tell what would not go.

        Args:
            if_idle: Leave alone what somebody uses.
        """
        async with self._bucket_lock:
            if self._bucket_asked and (self.idle or not if_idle):
                await self._remove_own_bucket()
            for bucket in tuple(self._visits):
                if self.idle or not if_idle:
                    await self._leave(bucket)
        async with self._relay_lock:
            if self._relay_asked and (self.idle or not if_idle):
                await self._remove_own_relay()

    async def _remove_own_bucket(self) -> None:
        try:
            keys = None if self._may_have_guests else tuple(self._keys)
            await self.remove_bucket(self.bucket, keys)
        except CloudError as error:
            if error.code == guests.IN_USE:
                self._context.note(error.message, region=self.region)
                self._left_to_guests.append(self.bucket)
                self._forget_own_bucket()
                return
            self._bucket_asked = not _was_never_there(error, self._bucket_made)
            if self._bucket_asked:
                self._tell(f"bucket {self.bucket}", error)
        else:
            self._forget_own_bucket()

    def _forget_own_bucket(self) -> None:
        """If one is needed again, it has another name."""
        self._bucket_asked = False
        self._bucket_made = None
        self._may_have_guests = False
        self._buckets_removed += 1
        self._keys.clear()

    async def _leave(self, bucket: str) -> None:
        """Be a guest no more; remove the bucket if its owner has left, and all guests."""
        cloud, relay = self._cloud, self._visits[bucket]
        mark = guests.mark_of(self._context.lease)
        try:
            await guests.take_away(cloud, self.region, bucket, mark, relay)
            keys = await guests.look(cloud, self.region, bucket, relay)
            if guests.LEFT in keys:
                await self.remove_bucket(bucket)
        except CloudError as error:
            if error.code not in {guests.IN_USE, "NoSuchBucket"}:
                text = f"bucket {bucket} still has the marker of this run: {error.diagnostics()}"
                self._context.note(text, region=self.region, level="WARNING")
                return
        del self._visits[bucket]
        self._guest_of.discard(bucket)

    async def _remove_own_relay(self) -> None:
        delete = DeleteFunction(region=self.region, name=self.function)
        try:
            await self._cloud.call(delete, RELAYED)
        except CloudError as error:
            self._relay_asked = not _was_never_there(error, self._relay_made)
            if self._relay_asked:
                self._tell(f"function {self.function}", error)
        else:
            self._relay_asked = False
            self._relay_made = None

    def _tell(self, what: str, error: CloudError) -> None:
        text = f"{what} is left: {error.diagnostics()}"
        self._context.note(text, region=self.region, level="WARNING")

    def leftovers(self) -> tuple[Leftover, ...]:
        """Return what exists, or may exist, right now."""
        asked = (
            ("bucket", self.bucket, self._bucket_asked),
            ("function", self.function, self._relay_asked),
        )
        lease, detail = self._context.lease, "another run uses it"
        return (
            *(
                lease.leftover(self.region, kind, name)
                for kind, name, yes in asked
                if yes
            ),
            *(
                lease.leftover(self.region, "bucket", name, detail=detail)
                for name in self._left_to_guests
            ),
        )

    async def remove_bucket(self, bucket: str, keys: Sequence[str] | None = ()) -> None:
        """Remove a bucket of the region with all in it, through the relay if need be.

        Args:
            bucket: Its name.
            keys: Objects that are in it; there may be others. None: it is ours, and may
                have guests, so that we leave before we look.

        Raises:
            CloudError: It could not be emptied or deleted; ``BucketInUse``: it has
                guests.
        """
        relay = ""
        if self._relay_asked and self._direct is not True:
            relay = self.function

        async def remove(relay: str) -> None:
            now = self._context.now()
            await _remove_bucket(
                self._cloud, self.region, bucket, keys, relay=relay, now=now
            )

        try:
            await remove(relay)
        except CloudError as error:
            refused = error.code == "PublicEndpointForbidden"
            lost = error.code in {"FunctionNotFound", "HostNotFound"} and relay
            if not refused and not lost:
                raise
            # There is no relay, or somebody removed it: make it, or make it anew.
            await self._make_relay()
            await remove(self.function)


def _was_never_there(error: CloudError, made: _Tried) -> bool:
    """Whether the region does not even have the service it would be in."""
    unsure = isinstance(made, CloudError) and made.unsure
    return made is not True and not unsure and isinstance(error, HostNotFoundError)


def _is_refused(error: CloudError) -> bool:
    """Whether nothing can have been made: no try before the refusal went unanswered."""
    refused = look_up(error).meaning in {Meaning.ROUTE, Meaning.FINAL}
    return refused and not error.unsure


def _raise(outcome: _Tried) -> None:
    """Raise an error that was kept, as a new one: tracebacks must not pile up."""
    if isinstance(outcome, CloudError):
        raise outcome.anew()


# --- removing a bucket ----------------------------------------------------------------


async def _remove_bucket(
    cloud: Steady,
    region: str,
    bucket: str,
    keys: Sequence[str] | None,
    *,
    relay: str,
    now: float,
) -> None:
    """Delete a bucket with its objects and unfinished uploads, if it is there.

    Deleting an empty bucket needs no data call, so that is tried first where nothing is
    known to be in it: it is all it takes then, also in regions that refuse data calls
    from here.

    Raises:
        CloudError: It could not be emptied or deleted.
    """
    if keys is None:
        await _say_that_we_left(cloud, region, bucket, relay)
    elif keys:
        await _delete_objects(cloud, region, bucket, relay, keys)
    for round_ in range(_EMPTYING_ROUNDS_MAX):
        try:
            await cloud.call(DeleteBucket(region=region, bucket=bucket))
        except CloudError as error:
            last = round_ + 1 == _EMPTYING_ROUNDS_MAX
            if error.code != "BucketNotEmpty" or last:
                raise
        else:
            return
        leaving = keys is None
        try:
            await _empty_bucket(cloud, region, bucket, relay, now, leaving=leaving)
        except CloudError as error:
            if error.code != "NoSuchBucket":  # somebody else was quicker
                raise


async def _say_that_we_left(
    cloud: Steady, region: str, bucket: str, relay: str
) -> None:
    try:
        await guests.put(cloud, region, bucket, guests.LEFT, relay)
    except CloudError as error:
        if error.code != "NoSuchBucket":
            raise


async def _empty_bucket(
    cloud: Steady, region: str, bucket: str, relay: str, now: float, *, leaving: bool
) -> None:
    keys = await guests.look(cloud, region, bucket, relay)
    if leaving and guests.LEFT not in keys and guests.guests(keys):
        # It came when there was nothing left to see: it has to know who removes this.
        await _say_that_we_left(cloud, region, bucket, relay)
        keys = await guests.look(cloud, region, bucket, relay)
    guests.refuse_if_used(region, bucket, keys, now=now)
    uploads = await cloud.call(
        ListMultipartUploads(region=region, bucket=bucket, relay=relay)
    )
    for upload in uploads:
        abort = AbortMultipartUpload(
            region=region,
            bucket=bucket,
            relay=relay,
            key=upload.key,
            upload_id=upload.upload_id,
        )
        await cloud.call(abort)
    # What was completed meanwhile is seen in the next round.
    await _delete_objects(
        cloud, region, bucket, relay, [key for key in keys if key != guests.LEFT]
    )
    if guests.LEFT in keys:
        # At last: whoever comes before sees it, and whoever has come is seen.
        there = await guests.look(cloud, region, bucket, relay)
        guests.refuse_if_used(region, bucket, there, now=now)
        await _delete_objects(cloud, region, bucket, relay, (guests.LEFT,))


async def _delete_objects(
    cloud: Steady, region: str, bucket: str, relay: str, keys: Sequence[str]
) -> None:
    for some in _chunks(keys, _KEYS_PER_CALL):
        delete = DeleteObjects(region=region, bucket=bucket, relay=relay, keys=some)
        await cloud.call(delete)


def _chunks(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[i : i + size] for i in range(0, len(items), size)]
