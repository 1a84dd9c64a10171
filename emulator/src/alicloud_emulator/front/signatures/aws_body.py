"""Bodies of the S3-compatible API: taken out of chunks, and held to checksums."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping

from alicloud_emulator.front.signatures import aws_chunked
from alicloud_emulator.front.signatures.aws_v4 import STREAMING
from alicloud_emulator.front.signatures.claim import Claim
from alicloud_emulator.products.wire import BodyReader, Request
from alicloud_emulator.world.checksum import DIGESTS
from alicloud_emulator.world.errors import ServiceError

_CHECKSUM = "x-amz-checksum-"
_CHUNKED = "aws-chunked"


def unwrap(request: Request, claim: Claim, secret: str, *, checksums: bool) -> None:
    """Let the request's body be what the client meant by it.

    Args:
        request: Signed in one of AWS's ways; changed.
        claim: What its signature claims.
        secret: The key it is signed with.
        checksums: Whether what comes after chunks is taken, and checksums looked at.

    Raises:
        ServiceError: InvalidArgument: chunks of a kind that is not taken.
    """
    told = {
        name.removeprefix(_CHECKSUM): value
        for name, value in request.headers.items()
        if name.startswith(_CHECKSUM) and name.removeprefix(_CHECKSUM) in DIGESTS
    }
    coming = request.headers.get("x-amz-trailer", "").lower()
    if coming.startswith(_CHECKSUM):
        told.setdefault(coming.removeprefix(_CHECKSUM), "")
    encodings = [
        one.strip() for one in request.headers.get("content-encoding", "").split(",")
    ]
    payload = claim.aws.payload if claim.aws else ""
    if _CHUNKED in encodings or payload.startswith(STREAMING):
        aws_chunked.refuse_unknown(payload, trailers=checksums)
        assert claim.aws is not None, "it says what the body is"
        _take_out_of_chunks(request, claim, secret, told, encodings)
    # Of an upload's end they are about the whole object, whose parts were held to theirs.
    is_end = request.method == "POST" and bool(request.param("uploadId"))
    if told and checksums and not is_end:
        request.body = CheckedBody(request.body, told)
        request.checked = True


def _take_out_of_chunks(
    request: Request,
    claim: Claim,
    secret: str,
    told: dict[str, str],
    encodings: list[str],
) -> None:
    length = request.headers.get("x-amz-decoded-content-length", "")
    if not length.isdecimal() or len(length) > 18:
        raise ServiceError(
            "InvalidArgument", 400, "x-amz-decoded-content-length is not a length."
        )

    def found(trailers: Mapping[str, str]) -> None:
        for name, value in list(told.items()):
            told[name] = trailers.get(f"{_CHECKSUM}{name}", value)

    assert claim.aws is not None
    request.body = aws_chunked.ChunkedBody(
        aiter(request.body),
        parts=claim.aws,
        secret=secret,
        length=int(length),
        found=found,
    )
    request.content_length = int(length)
    kept = ", ".join(one for one in encodings if one not in {"", _CHUNKED})
    headers = {**request.headers, "content-encoding": kept, "content-length": length}
    request.headers = headers if kept else _without(headers, "content-encoding")


def _without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


class CheckedBody:
    """A body held to the checksums that come with it.

    Args:
        body: What comes.
        told: The checksums by their kind, in base64; may be filled in until it ends.
    """

    def __init__(self, body: BodyReader, told: Mapping[str, str]) -> None:
        self._body = body
        self._told = told

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in blocks as they come.

        Raises:
            ServiceError: InvalidDigest.
        """
        digests = {name: DIGESTS[name]() for name in self._told if name in DIGESTS}
        async for block in self._body:
            for digest in digests.values():
                digest.update(block)
            yield block
        for name, digest in digests.items():
            if b64encode(digest.digest()).decode() != self._told[name]:
                raise ServiceError(
                    "InvalidDigest",
                    400,
                    f"The {_CHECKSUM}{name} you specified was invalid.",
                )

    async def read(self, bytes_max: int) -> bytes:
        """Return the whole body.

        Raises:
            ServiceError: EntityTooLarge, InvalidDigest.
        """
        return await aws_chunked.read_whole(self, bytes_max)
