"""Object storage on the wire."""

from email.utils import formatdate

from alicloud_emulator.products.oss import cors, errors, s3
from alicloud_emulator.products.oss.call import META_PREFIX, Call
from alicloud_emulator.products.oss.operations import refuse_unread
from alicloud_emulator.products.oss.routing import Level, level_of, operation_of
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.world import World

_UNKNOWN = "Unknown"


class OssService:
    """The ``Service`` of the hosts ``[bucket.]oss-<region>[-internal]``."""

    def __init__(self, world: World) -> None:
        self._world = world

    def describe(self, request: Request) -> tuple[str, str]:
        """Return the operation's name, and ``bucket/key``, ``bucket`` or ""."""
        s3.understand(request)
        operation = operation_of(request)
        action = _UNKNOWN if isinstance(operation, str) else operation.action
        key = request.path.removeprefix("/")
        resource = request.host.bucket
        return action, f"{resource}/{key}" if resource and key else resource

    async def handle(self, request: Request) -> Response:
        """Carry out a request.

        Raises:
            ServiceError: Object storage refuses.
        """
        s3.understand(request)
        if level_of(request) is Level.SERVICE and request.path.strip("/"):
            raise refusal("SecondLevelDomainForbidden")
        operation = operation_of(request)
        if isinstance(operation, str):
            raise refusal(operation, Method=request.method)
        refuse_unread(operation.action, request)
        call = Call(
            world=self._world,
            request=request,
            bucket=request.host.bucket,
            key=request.path.removeprefix("/"),
        )
        return self._signed(request, await operation.handler(call))

    def error(self, request: Request, error: Exception) -> Response:
        """Return the XML answer for an error (a header's worth of it on HEAD)."""
        if self._bucket_is_missing(request, error):
            error = refusal("NoSuchBucket", BucketName=request.host.bucket)
        region = self._world.profile.region(request.host.region)
        abroad = region is not None and not region.mainland
        return self._signed(request, errors.response(request, error, abroad=abroad))

    def _bucket_is_missing(self, request: Request, error: Exception) -> bool:
        """Whether it is beside the point who signed: there is no such bucket.

        Official SDKs' tests rely on it: strangers learn that a bucket is missing.
        """
        makes_buckets = self.describe(request)[0] in ("PutBucket", "PutBucketAcl")
        return (
            errors.is_about_identity(error)
            and bool(request.host.bucket)
            and not makes_buckets
            and not self._world.oss.buckets.exists(request.host.bucket)
        )

    def _signed(self, request: Request, response: Response) -> Response:
        """Add the headers that every answer of object storage has."""
        bucket = self._world.oss.buckets.peek(request.host.bucket)
        response.headers |= cors.headers_for_pages(request, bucket)
        response.headers |= {
            "Server": "AliyunOSS",
            "Date": formatdate(self._world.agenda.now, usegmt=True),
            "Connection": "keep-alive",
            "x-oss-request-id": request.request_id,
            "x-oss-server-time": "1",
        }
        length = response.content_length
        if length is None and isinstance(response.body, bytes):
            length = len(response.body)
        if length is not None and response.status != 304:
            response.headers["Content-Length"] = str(length)
        if s3.is_meant(request):
            like = self._world.profile.habits.s3_like
            response = s3.translate(response, like=like)
        response.headers = dict(sorted(response.headers.items(), key=_place))
        return response


_ORDER = (
    "server",
    "date",
    "content-type",
    "content-length",
    "connection",
    "x-oss-request-id",
    "x-amz-request-id",
    "vary",
    "content-range",
    "accept-ranges",
    "etag",
    "last-modified",
    "x-oss-object-type",
    "x-oss-hash-crc64ecma",
    "x-oss-storage-class",
)
"""Headers of an answer from its top, as seen in life."""
_KEPT = ("expires", "cache-control")
"""What an object's owner said of it, after the metadata; others follow."""
_LAST = ("content-md5", "x-oss-server-time", "x-oss-ec")
_META = len(_ORDER)
_OTHER = _META + len(_KEPT) + 1
_PLACES = {
    **{name: place for place, name in enumerate(_ORDER)},
    **{name: place for place, name in enumerate(_KEPT, _META + 1)},
    **{name: place for place, name in enumerate(_LAST, _OTHER + 1)},
}


def _place(header: tuple[str, str]) -> int:
    name = header[0].lower()
    return _PLACES.get(name, _META if name.startswith(META_PREFIX) else _OTHER)
