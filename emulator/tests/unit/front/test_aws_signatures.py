"""AWS's signatures, held to the examples that AWS publishes, and what OSS refuses."""

import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from alicloud_emulator.front.signatures import aws_chunked, aws_v2, aws_v4
from alicloud_emulator.front.signatures.aws_body import unwrap
from alicloud_emulator.front.signatures.aws_v4 import Parts
from alicloud_emulator.front.signatures.claim import unix_time
from alicloud_emulator.products.wire import Host, Request
from alicloud_emulator.world.errors import ServiceError

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = unix_time("20130524T000000Z")
SCOPE = "20130524/us-east-1/s3/aws4_request"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def anyio_backend() -> str:
    """The server's own; the other complains of generators that nobody ran to the end."""
    return "asyncio"


class Blocks:
    """A body that comes in blocks."""

    def __init__(self, data: bytes, size: int = 1000) -> None:
        self.data, self.size = data, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), self.size):
            yield self.data[start : start + self.size]

    async def read(self, bytes_max: int) -> bytes:
        return self.data


def request(
    method: str, target: str, headers: dict[str, str], *, bucket: str, body: bytes = b""
) -> Request:
    raw_path, _, query = target.partition("?")
    return Request(
        method=method,
        host=Host(name=headers.get("host", ""), service="oss", bucket=bucket),
        path=unquote(raw_path),
        raw_path=raw_path,
        raw_query=query,
        query=parse_qsl(query, keep_blank_values=True),
        headers=headers,
        body=Blocks(body),
    )


def authorization(names: str, signature: str, scope: str = SCOPE) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={names},"
        f"Signature={signature}"
    )


GET = {
    "host": "examplebucket.s3.amazonaws.com",
    "range": "bytes=0-9",
    "x-amz-content-sha256": EMPTY,
    "x-amz-date": "20130524T000000Z",
    "authorization": authorization(
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
}
PUT = {
    "date": "Fri, 24 May 2013 00:00:00 GMT",
    "host": "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": (
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    ),
    "authorization": authorization(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
}
LIFECYCLE = {
    "host": "examplebucket.s3.amazonaws.com",
    "x-amz-date": "20130524T000000Z",
    "x-amz-content-sha256": EMPTY,
    "authorization": authorization(
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
}
URL = (
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
    "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
    "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
)
HOST = {"host": "examplebucket.s3.amazonaws.com"}


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/test.txt", GET),
        ("PUT", "/test%24file.text", PUT),
        ("GET", "/?lifecycle", LIFECYCLE),
        ("GET", URL, HOST),
    ],
)
def test_v4_is_as_aws_publishes_it(
    method: str, target: str, headers: dict[str, str]
) -> None:
    assert NOW is not None
    asked = request(method, target, headers, bucket="examplebucket")
    claim = aws_v4.read(asked, now=NOW)
    assert (claim.access_key_id, claim.way) == (KEY, "aws-v4")
    assert claim.mismatch(SECRET) is None
    refused = claim.mismatch("another")
    assert refused is not None
    assert refused.code == "SignatureDoesNotMatch"
    assert refused.fields["CanonicalRequest"].startswith(f"{method}\n/")


OF_OLD = unix_time("Tue, 27 Mar 2007 19:36:42 +0000")
OLD_HOST = "awsexamplebucket1.us-west-1.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "target", "headers", "signature"),
    [
        (
            "GET",
            "/photos/puppy.jpg",
            {"date": "Tue, 27 Mar 2007 19:36:42 +0000"},
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
        ),
        (
            "PUT",
            "/photos/puppy.jpg",
            {
                "date": "Tue, 27 Mar 2007 21:15:45 +0000",
                "content-type": "image/jpeg",
                "content-length": "94328",
            },
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
        ),
        (
            "GET",
            "/?prefix=photos&max-keys=50&marker=puppy",
            {"date": "Tue, 27 Mar 2007 19:42:41 +0000"},
            "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
        ),
        (
            "GET",
            "/?acl",
            {"date": "Tue, 27 Mar 2007 19:44:46 +0000"},
            "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
        ),
    ],
)
def test_v2_is_as_aws_publishes_it(
    method: str, target: str, headers: dict[str, str], signature: str
) -> None:
    moment = unix_time(headers["date"])
    assert moment is not None
    headers = {**headers, "host": OLD_HOST, "authorization": f"AWS {KEY}:{signature}"}
    asked = request(method, target, headers, bucket="awsexamplebucket1")
    claim = aws_v2.read(asked, now=moment)
    assert (claim.access_key_id, claim.mismatch(SECRET)) == (KEY, None)
    assert claim.mismatch("another") is not None


CHUNKED = (
    b"10000;chunk-signature="
    b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + b"a"
    * 65536
    + b"\r\n400;chunk-signature="
    b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + b"a"
    * 1024
    + b"\r\n0;chunk-signature="
    b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
WITH_TRAILER = (
    b"10000;chunk-signature="
    b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
    + b"a"
    * 65536
    + b"\r\n400;chunk-signature="
    b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
    + b"a"
    * 1024
    + b"\r\n0;chunk-signature="
    b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:"
    b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"


def parts(payload: str, seed: str) -> Parts:
    return Parts(
        access_key_id=KEY,
        date="20130524T000000Z",
        scope=SCOPE,
        signed_headers=("host",),
        signature=seed,
        payload=payload,
    )


async def unchunked(
    data: bytes, payload: str, seed: str, *, length: int = 66560, size: int = 1000
) -> tuple[bytes, dict[str, str]]:
    found: dict[str, str] = {}
    body = aws_chunked.ChunkedBody(
        aiter(Blocks(data, size)),
        parts=parts(payload, seed),
        secret=SECRET,
        length=length,
        found=found.update,
    )
    return b"".join([block async for block in body]), found


@pytest.mark.anyio
@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
async def test_signed_chunks_are_as_aws_publishes_them(size: int) -> None:
    data, _ = await unchunked(CHUNKED, aws_chunked.SIGNED, SEED, size=size)
    assert data == b"a" * 66560


@pytest.mark.anyio
@pytest.mark.parametrize("size", [7, 100_000])
async def test_signed_trailers_are_as_aws_publishes_them(size: int) -> None:
    kind = aws_chunked.SIGNED_TRAILER
    data, found = await unchunked(WITH_TRAILER, kind, TRAILER_SEED, size=size)
    assert data == b"a" * 66560
    assert found == {"x-amz-checksum-crc32c": "sOO8/Q=="}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((b"aaaa\r\n0;", b"aaab\r\n0;"), "SignatureDoesNotMatch"),
        ((b"449df9\r\n", b"449df8\r\n"), "SignatureDoesNotMatch"),
        ((b"0;chunk-signature=b6", b"0;chunk-sig=b6"), "InvalidArgument"),
        ((b"\r\n0;chunk", b"\r\nzz;chunk"), "InvalidArgument"),
        ((b"400;", b"3ff;"), "SignatureDoesNotMatch"),
        ((b"\r\n0;chunk-signature=b6c6", b"\r\n0;chunk-sig"), "InvalidArgument"),
    ],
)
async def test_chunks_that_were_changed_are_refused(
    change: tuple[bytes, bytes], code: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        await unchunked(CHUNKED.replace(*change), aws_chunked.SIGNED, SEED)
    assert refused.value.code == code


@pytest.mark.anyio
async def test_a_signed_trailer_that_was_changed_is_refused() -> None:
    data = WITH_TRAILER.replace(b"sOO8", b"sOO9")
    with pytest.raises(ServiceError) as refused:
        await unchunked(data, aws_chunked.SIGNED_TRAILER, TRAILER_SEED)
    assert (refused.value.code, refused.value.ec) == (
        "SignatureDoesNotMatch",
        "0002-00000430",
    )


@pytest.mark.anyio
@pytest.mark.parametrize("length", [66559, 66561])
async def test_a_body_of_another_length_than_told_is_refused(length: int) -> None:
    with pytest.raises(ServiceError, match="InvalidArgument"):
        await unchunked(CHUNKED, aws_chunked.SIGNED, SEED, length=length)


@pytest.mark.anyio
@pytest.mark.parametrize("end", range(0, 80, 5))
async def test_a_body_that_ends_early_is_refused(end: int) -> None:
    with pytest.raises(ServiceError, match="InvalidArgument"):
        await unchunked(CHUNKED[: -3 - end], aws_chunked.SIGNED, SEED)


def unsigned(trailer: str) -> tuple[Request, Any]:
    """Return an upload in chunks that nobody signed, as SDKs make it over HTTPS."""
    headers = {
        **HOST,
        "x-amz-date": "20130524T000000Z",
        "x-amz-content-sha256": aws_chunked.UNSIGNED_TRAILER,
        "content-encoding": "aws-chunked,gzip",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "authorization": authorization("host", "0" * 64),
    }
    body = f"5\r\nhello\r\n0\r\n{trailer}\r\n".encode()
    asked = request("PUT", "/a", headers, bucket="examplebucket", body=body)
    assert NOW is not None
    return asked, aws_v4.read(asked, now=NOW)


CRC32 = b64encode(zlib.crc32(b"hello").to_bytes(4, "big")).decode()


@pytest.mark.anyio
async def test_checksums_that_come_after_the_body_are_looked_at() -> None:
    asked, claim = unsigned(f"x-amz-checksum-crc32:{CRC32}\r\n")
    unwrap(asked, claim, SECRET, checksums=True)
    assert await asked.body.read(10) == b"hello"
    assert (asked.content_length, asked.checked) == (5, True)
    assert asked.headers["content-encoding"] == "gzip"


@pytest.mark.anyio
@pytest.mark.parametrize("trailer", ["", "x-amz-checksum-crc32:AAAAAA==\r\n"])
async def test_a_checksum_that_is_wrong_or_does_not_come_is_refused(
    trailer: str,
) -> None:
    asked, claim = unsigned(trailer)
    unwrap(asked, claim, SECRET, checksums=True)
    with pytest.raises(ServiceError, match="InvalidDigest"):
        await asked.body.read(10)


def test_the_real_cloud_takes_no_such_chunks() -> None:
    asked, claim = unsigned("")
    with pytest.raises(ServiceError) as refused:
        unwrap(asked, claim, SECRET, checksums=False)
    error = refused.value
    assert (error.status, error.code, error.ec) == (
        400,
        "InvalidArgument",
        "0017-00000804",
    )
    assert error.fields == {
        "ArgumentName": "Content-Encoding",
        "ArgumentValue": "aws-chunked",
    }


def changed(headers: dict[str, str], **more: str) -> dict[str, str]:
    return {
        **headers,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def in_url(name: str, value: str) -> str:
    pairs = [pair.partition("=") for pair in URL.partition("?")[2].split("&")]
    return "/test.txt?" + "&".join(
        f"{key}={value if key == name else old}" for key, _, old in pairs
    )


NO_DAY = authorization("host", "0" * 64, "us-east-1/s3/aws4_request")
OTHER_DAY = authorization("host", "0" * 64, "20130525/us-east-1/s3/aws4_request")


@pytest.mark.parametrize(
    ("target", "headers", "code", "ec"),
    [
        ("/a", changed(GET, authorization=NO_DAY), "InvalidArgument", "0002-00000404"),
        (
            "/a",
            changed(GET, authorization=OTHER_DAY),
            "InvalidArgument",
            "0002-00000409",
        ),
        (
            "/a",
            changed(GET, x_amz_content_sha256="ab"),
            "InvalidArgument",
            "0002-00000427",
        ),
        (
            "/a",
            changed(GET, x_amz_content_sha256="0" * 64),
            "InvalidArgument",
            "0002-00000427",
        ),
        ("/a", changed(GET, x_amz_date="2013-05-24"), "InvalidArgument", ""),
        (
            "/a",
            changed(
                GET,
                x_amz_date="20130524T001601Z",
            ),
            "RequestTimeTooSkewed",
            "0002-00000504",
        ),
        (
            in_url("X-Amz-Credential", "k%2Fus-east-1%2Fs3%2Faws4_request"),
            HOST,
            "InvalidArgument",
            "0002-00000413",
        ),
        (
            in_url("X-Amz-Date", "2013-05-24"),
            HOST,
            "InvalidArgument",
            "0002-00000415",
        ),
        (
            in_url("X-Amz-Date", "20130525T000000Z"),
            HOST,
            "InvalidArgument",
            "0002-00000421",
        ),
        (in_url("X-Amz-Expires", "604801"), HOST, "InvalidArgument", ""),
        (in_url("X-Amz-Expires", "x"), HOST, "InvalidArgument", ""),
        (in_url("X-Amz-Algorithm", "AWS5"), HOST, "InvalidArgument", ""),
        (in_url("X-Amz-Signature", "x"), HOST, "InvalidArgument", ""),
    ],
)
def test_what_is_malformed_is_refused_as_documented(
    target: str, headers: dict[str, str], code: str, ec: str
) -> None:
    assert NOW is not None
    asked = request("GET", target, headers, bucket="examplebucket")
    with pytest.raises(ServiceError) as refused:
        aws_v4.read(asked, now=NOW)
    assert (refused.value.code, refused.value.ec) == (code, ec)


@pytest.mark.parametrize("later", [86_401, -901])
def test_a_url_is_good_for_its_time_alone(later: int) -> None:
    assert NOW is not None
    asked = request("GET", URL, HOST, bucket="examplebucket")
    with pytest.raises(ServiceError) as refused:
        aws_v4.read(asked, now=NOW + later)
    assert refused.value.code in {"AccessDenied", "RequestTimeTooSkewed"}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "AWS nobody"},
        {"authorization": f"AWS {KEY}:x"},
        {"authorization": f"AWS {KEY}:x", "date": "Tue, 27 Mar 2001 19:36:42 +0000"},
    ],
)
def test_an_older_signature_that_says_not_when_is_refused(
    headers: dict[str, str],
) -> None:
    assert OF_OLD is not None
    with pytest.raises(ServiceError):
        aws_v2.read(request("GET", "/a", headers, bucket="b"), now=OF_OLD)
