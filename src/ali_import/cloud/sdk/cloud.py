"""``SdkCloud``: the cloud port, answered by the official SDKs in worker threads.

The SDKs' synchronous path costs about 1.3 ms a call, their asynchronous one about 43 ms
(it makes a TLS context and a connection for each call), hence threads. They come from
three limiters, so that polls never wait behind uploads:

* calls: small questions and answers;
* uploads: bodies that this machine sends, read from disk in blocks;
* relayed: calls that wait for a function. A body that travels inside the invocation is
  held in memory, so these also share a budget of bytes.
"""

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import anyio
from anyio import CapacityLimiter, to_thread

from ali_import.cloud import calls
from ali_import.cloud.calls import Call, DataCall
from ali_import.cloud.sdk import ecs, endpoints, fc, identity, oss
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.services import RelayTransportFactory, Services
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud.sdk.translate import Place, translated
from ali_import.cloud.values import FileRange
from ali_import.errors import ApiError
from ali_import.units import MIB

R = TypeVar("R")

CALLS_MAX = 64
# Each holds a socket and a block of 64 KiB; more than this only shares the same line.
UPLOADS_MAX = 24
RELAYED_MAX = 64
# A body that travels in an invocation stands in memory once, 24 MiB at most. One of
# the largest at a time, or a dozen of 2 MiB: the uplink is shared by all anyway.
RELAY_BYTES_MAX = 24 * MIB

# Who carries out which request. Every request class has a row; a test counts them.
ADAPTERS: Mapping[type[Call[Any]], Callable[[Services, Any], Any]] = {
    calls.GetCallerIdentity: identity.get_caller_identity,
    calls.DescribeRegions: ecs.describe_regions,
    calls.DescribeImages: ecs.describe_images,
    calls.ImportImage: ecs.import_image,
    calls.CopyImage: ecs.copy_image,
    calls.CancelCopyImage: ecs.cancel_copy_image,
    calls.DescribeTasks: ecs.describe_tasks,
    calls.DescribeTaskAttribute: ecs.describe_task_attribute,
    calls.CancelTask: ecs.cancel_task,
    calls.ModifyImageAttribute: ecs.modify_image_attribute,
    calls.ModifyImageSharePermission: ecs.modify_image_share_permission,
    calls.DeleteImage: ecs.delete_image,
    calls.DescribeSnapshots: ecs.describe_snapshots,
    calls.DeleteSnapshot: ecs.delete_snapshot,
    calls.TagResources: ecs.tag_resources,
    calls.UntagResources: ecs.untag_resources,
    calls.PutBucket: oss.put_bucket,
    calls.DeleteBucket: oss.delete_bucket,
    calls.ListBuckets: oss.list_buckets,
    calls.PutObject: oss.put_object,
    calls.ListObjects: oss.list_objects,
    calls.DeleteObjects: oss.delete_objects,
    calls.InitiateMultipartUpload: oss.initiate_multipart_upload,
    calls.UploadPart: oss.upload_part,
    calls.CompleteMultipartUpload: oss.complete_multipart_upload,
    calls.AbortMultipartUpload: oss.abort_multipart_upload,
    calls.ListMultipartUploads: oss.list_multipart_uploads,
    calls.ListFunctions: fc.list_functions,
    calls.CreateFunction: fc.create_function,
    calls.GetFunction: fc.get_function,
    calls.DeleteFunction: fc.delete_function,
}

_HOSTS: Mapping[str, Callable[[str], str]] = {
    "ecs": endpoints.ecs,
    "fc": endpoints.fc,
    "oss": lambda region: endpoints.oss(
        region or endpoints.OSS_CENTRAL_REGION, internal=False
    ),
    "sts": endpoints.sts,
}

_EXPIRED = frozenset({"InvalidSecurityToken.Expired", "SecurityTokenExpired"})


@dataclass(frozen=True)
class _Lane:
    """The threads a request may use, the bytes it holds, whether it may be left."""

    limiter: CapacityLimiter
    abandon: bool
    held_bytes: int = 0


class SdkCloud:
    """The cloud port on the official SDKs.

    A read is abandoned when its caller is cancelled. What changes the cloud is waited
    for (bounded by the time-outs of ``Settings``): what a cancelled run cleans up must
    include what its last calls made. Uploads notice within a block. A relayed call is
    abandoned too, since an invocation may take minutes and leaves nothing but an object
    in a bucket, which the bucket's deletion meets.

    Args:
        settings: Proxy, certificates and time-outs, the same for every product.
        relay_transport: Makes the HTTP client of a call that goes through a relay.
        credentials: Whose calls these are; the official default chain if None.
    """

    def __init__(
        self,
        settings: Settings,
        relay_transport: RelayTransportFactory,
        *,
        credentials: Credentials | None = None,
    ) -> None:
        self._settings = settings
        self._credentials = credentials or Credentials()
        self._relay_transport = relay_transport
        self._services: Services | None = None
        self._lock = threading.Lock()
        self._calls = CapacityLimiter(CALLS_MAX)
        self._uploads = CapacityLimiter(UPLOADS_MAX)
        self._relayed = CapacityLimiter(RELAYED_MAX)
        self._relay_bytes = _ByteBudget(RELAY_BYTES_MAX)

    async def call(self, request: Call[R]) -> R:
        """Carry out ``request`` once, and return its result.

        Raises:
            ApiError: The cloud said no.
            HostNotFoundError: The region does not have the service.
            TransportError: No usable answer; the effect is unknown.
            ConfigurationError: No credentials, or the cloud does not know them.
            DiskImageError: The file being uploaded became shorter.
        """
        lane = self._lane(request)
        async with self._relay_bytes.hold(lane.held_bytes):
            result = await to_thread.run_sync(
                self._run,
                request,
                limiter=lane.limiter,
                abandon_on_cancel=lane.abandon,
            )
        return cast("R", result)

    def close(self) -> None:
        """Close every pooled connection."""
        if self._services is not None:
            self._services.close()

    def _lane(self, request: Call[Any]) -> _Lane:
        body = getattr(request, "body", None)
        if isinstance(request, DataCall) and request.relay:
            return _Lane(self._relayed, abandon=True, held_bytes=_inline_bytes(body))
        return _Lane(
            self._calls if body is None else self._uploads,
            abandon=not request.CHANGES,
        )

    def _run(self, request: Call[Any]) -> Any:
        """Carry out a request, in a worker thread."""
        place = Place(
            region=request.region,
            operation=request.operation(),
            host=_HOSTS[request.SERVICE](request.region),
        )
        adapter = ADAPTERS[type(request)]
        try:
            with translated(place):
                return adapter(self._made_services(), request)
        except ApiError as exc:
            refusal = identity.refusal(exc)
            if refusal is not None and isinstance(request, calls.GetCallerIdentity):
                raise refusal from exc
            if exc.code in _EXPIRED and not self._credentials.refreshes:
                exc.code = "SecurityTokenRanOut"  # trying again would not help
            raise

    def _made_services(self) -> Services:
        with self._lock:
            if self._services is None:
                self._services = Services(
                    self._settings, self._relay_transport, self._credentials
                )
            return self._services


def _inline_bytes(body: object) -> int:
    """Return how many bytes of a relayed body travel inside the invocation."""
    if isinstance(body, FileRange):
        return body.length
    return len(body) if isinstance(body, bytes) else 0


class _ByteBudget:
    """Lets calls hold so many bytes at once; one alone may hold more."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = 0
        self._changed = anyio.Condition()

    @asynccontextmanager
    async def hold(self, wanted: int) -> AsyncIterator[None]:
        """Wait until ``wanted`` more bytes may be held, and hold them."""
        if not wanted:
            yield
            return
        async with self._changed:
            while self._held and self._held + wanted > self._bytes_max:
                await self._changed.wait()
            self._held += wanted
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                async with self._changed:
                    self._held -= wanted
                    self._changed.notify_all()
