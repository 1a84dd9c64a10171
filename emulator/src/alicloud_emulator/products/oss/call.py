"""One call: the request in the words of object storage, and what services read of it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from functools import cached_property
from typing import NoReturn
from urllib.parse import parse_qsl, quote, unquote_plus
from xml.etree.ElementTree import Element

from anyio import to_thread

from alicloud_emulator.products.oss import pace, xml
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.blobs import Blob
from alicloud_emulator.world.oss import Visit
from alicloud_emulator.world.oss.conditions import Conditions
from alicloud_emulator.world.oss.objects import check_size
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.values import Attributes
from alicloud_emulator.world.world import World

META_PREFIX = "x-oss-meta-"
# Given back on reading as they came with the object.
KEPT_HEADERS = (
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
)
_PAYER = "x-oss-request-payer"
_HASHED_AT_ONCE_BYTES = 512 * 1024
"""Less is hashed on the spot, in 0.7 ms at most: a worker thread costs as much."""

# Hosts without a region are Hangzhou's, OSS's first region.
_FIRST_REGION = "cn-hangzhou"
_NO_SOURCE = (
    "Copy Source must mention the source bucket and key: /sourcebucket/sourcekey."
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request on its way into the world.

    Attributes:
        form: The fields of a form, which stand for headers where there is one.
    """

    world: World
    request: Request
    bucket: str
    key: str
    form: Mapping[str, str] | None = None

    @cached_property
    def visit(self) -> Visit:
        """The call as the world's gate sees it."""
        request, host = self.request, self.request.host
        central = "" if "accelerate" in host.name else _FIRST_REGION
        return Visit(
            caller=request.caller,
            region=host.region or central,
            internal=host.internal,
            own_name=host.door,
            inside=request.inside,
            signature=request.signature,
            context=request.context,
            pays="requester" in (self.header(_PAYER), self.param(_PAYER)),
        )

    @property
    def _headers(self) -> Mapping[str, str]:
        return self.request.headers if self.form is None else self.form

    @property
    def versioned_visit(self) -> Visit:
        """The same, of an operation that may be about one version of an object."""
        named = self.has_param("versionId")
        return replace(
            self.visit, version_id=self.param("versionId") if named else None
        )

    def param(self, name: str, default: str = "") -> str:
        """Return a query parameter."""
        return self.request.param(name, default)

    def has_param(self, name: str) -> bool:
        """Whether a query parameter is there at all, with a value or without."""
        return any(key == name for key, _ in self.request.query)

    def header(self, name: str, default: str = "") -> str:
        """Return a header, or a field of a form; ``name`` in lower case."""
        return self._headers.get(name, default)

    def headers_with(self, prefix: str) -> dict[str, str]:
        """Return the headers whose names begin so, without that beginning."""
        return {
            name.removeprefix(prefix): value
            for name, value in self._headers.items()
            if name.startswith(prefix)
        }

    @property
    def rate(self) -> int:
        """How fast bytes may go, in bits a second; 0 for as fast as they can.

        Raises:
            ServiceError: InvalidArgument.
        """
        return pace.bits_per_s(self.header(pace.NAME) or self.param(pace.NAME))

    def number(self, name: str) -> int:
        """Return a query parameter that must be a number from 0 on.

        Raises:
            ServiceError: InvalidArgument.
        """
        value = self.param(name)
        # Longer numbers mean nothing here, and cost time to parse.
        if not value.isascii() or not value.isdigit() or len(value) > 18:
            self.bad_argument(name, value)
        return int(value)

    def bad_argument(self, name: str, value: str, message: str = "") -> NoReturn:
        """Refuse an argument.

        Raises:
            ServiceError: InvalidArgument, always.
        """
        raise refusal(
            "InvalidArgument", message, ArgumentName=name, ArgumentValue=value[:64]
        )

    async def xml(
        self,
        root: str,
        *,
        bytes_max: int = xml.BODY_BYTES_MAX,
        optional: bool = False,
    ) -> Element:
        """Return the body's root element; of no body, where it is optional, an empty one.

        Raises:
            ServiceError: MalformedXML, EntityTooLarge.
        """
        body = await self.request.body.read(bytes_max)
        if optional and not body.strip():
            return Element(root)
        return self.document(body, root)

    def document(self, body: bytes, root: str) -> Element:
        """Return the root element of a body that was read already.

        Raises:
            ServiceError: MalformedXML.
        """
        return xml.parse(body, root)

    async def receive(self) -> Blob:
        """Take the body in, block by block, and return it as a blob.

        Raises:
            ServiceError: MissingContentLength, and as ``take_in``.
        """
        headers = self.request.headers
        if "content-length" not in headers and "transfer-encoding" not in headers:
            raise refusal("MissingContentLength")
        check_size(self.request.content_length or 0)
        return await self.take_in(aiter(self.request.body))

    async def take_in(self, blocks: AsyncIterator[bytes]) -> Blob:
        """Return blocks as they come as one blob.

        Raises:
            ServiceError: EntityTooLarge; InvalidArgument: an impossible rate.
        """
        if self.rate:
            blocks = pace.paced(blocks, self.rate)
        writer = self.world.blobs.writer()
        size = 0
        waiting: list[bytes] = []
        try:
            async for block in blocks:
                size += len(block)
                check_size(size)
                waiting.append(block)
                if sum(map(len, waiting)) >= _HASHED_AT_ONCE_BYTES:
                    # Checksums of what may be gigabytes: not on the event loop.
                    await to_thread.run_sync(writer.write, b"".join(waiting))
                    waiting.clear()
            writer.write(b"".join(waiting))
            return writer.finish()
        finally:
            writer.discard()

    def attributes(self) -> Attributes:
        """Return what the headers say about an object to be written.

        Raises:
            ServiceError: InvalidArgument: malformed tags.
        """
        kept = {name: self.header(name) for name in KEPT_HEADERS}
        return Attributes(
            headers={name: value for name, value in kept.items() if value},
            meta=self.headers_with(META_PREFIX),
            tags=self.tags(),
            acl=self.header("x-oss-object-acl", "default"),
            storage_class=self.header("x-oss-storage-class"),
            forbid_overwrite=self.header("x-oss-forbid-overwrite").lower() == "true",
        )

    def tags(self, name: str = "x-oss-tagging") -> dict[str, str]:
        """Read a header of tags, ``a=1&b=2`` with both sides percent-encoded.

        Raises:
            ServiceError: InvalidTag.
        """
        value = self.header(name)
        try:
            pairs = parse_qsl(value, keep_blank_values=True, max_num_fields=64)
        except ValueError as error:
            raise refusal("InvalidTag") from error
        if len(dict(pairs)) != len(pairs):
            raise refusal("InvalidTag")
        return dict(pairs)

    def conditions(self, prefix: str = "") -> Conditions:
        """Return the conditions in the headers, whose names begin with ``prefix``."""
        return Conditions(
            match=self.header(f"{prefix}if-match"),
            none_match=self.header(f"{prefix}if-none-match"),
            modified_since=_unix_time(self.header(f"{prefix}if-modified-since")),
            unmodified_since=_unix_time(self.header(f"{prefix}if-unmodified-since")),
        )

    def source(self) -> tuple[str, str, Visit]:
        """Return bucket and key that ``x-oss-copy-source`` names, and how to get there.

        They are encoded as in a form: the SDK for Go writes ``+`` for a space.

        Raises:
            ServiceError: InvalidArgument.
        """
        value = self.header("x-oss-copy-source")
        path, _, query = value.partition("?")
        path = unquote_plus(path)
        bucket, _, key = path.removeprefix("/").partition("/")
        if not bucket or not key:
            self.bad_argument("x-oss-copy-source", value, _NO_SOURCE)
        version_id = query.removeprefix("versionId=") if query else None
        return bucket, key, replace(self.visit, version_id=version_id)


def _unix_time(text: str) -> float | None:
    """Return an HTTP date as Unix seconds; None for none or a malformed one."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError, IndexError):
        return None


def http_date(unix_time: float) -> str:
    """Return a time as in ``Last-Modified``."""
    return formatdate(unix_time, usegmt=True)


def iso_date(unix_time: float) -> str:
    """Return a time as in XML bodies."""
    moment = datetime.fromtimestamp(int(unix_time), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def encoded(value: str, encoding_type: str) -> str:
    """Return a key as a listing shows it: percent-encoded if that was asked for."""
    return quote(value, safe="") if encoding_type == "url" else value


def answer(root: str, children: list[xml.Node], status: int = 200) -> Response:
    """Return an XML answer."""
    return Response(
        status=status,
        headers={"Content-Type": "application/xml"},
        body=xml.document((root, children)),
    )


def version_headers(version_id: str, *, marker: bool = False) -> dict[str, str]:
    """Return the headers that name a version, where the bucket keeps any."""
    told = {"x-oss-version-id": version_id}
    if marker:
        told["x-oss-delete-marker"] = "true"
    return told if version_id else {}


def etag_header(etag: str) -> str:
    """Return an ETag in the quotes it has on the wire."""
    return f'"{etag}"'
