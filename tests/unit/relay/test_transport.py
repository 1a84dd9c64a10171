"""Relayed calls from end to end: SDK, transport, invocation, function, OSS.

The far side plays Function Compute by running the handler on what it was sent, and the
handler's own requests come back to the far side as OSS.
"""

import base64
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest

from ali_import.cloud import calls
from ali_import.cloud.retry_table import Meaning, look_up
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.credentials import Credentials
from ali_import.cloud.sdk.relay import RelayTransport
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud.values import (
    Body,
    Fetch,
    ObjectSource,
    StoredObject,
    StoredPart,
    Upload,
)
from ali_import.disk.pack import Extent, PartBody
from ali_import.errors import ApiError, CloudError, SourcesGoneError, TransportError
from ali_import.relay import handler as relay
from ali_import.relay import package
from tests.unit.sdk.far_side import FarSide, Reply, Seen, as_json, as_xml

REGION = "cn-hangzhou"
INSIDE = f"b-1.oss-{REGION}-internal.aliyuncs.com"
DATA = bytes(range(256)) * 8000
SOURCE = ObjectSource(region="eu-west-1", bucket="s-1", key="k/1")
WHERE: dict[str, Any] = {"region": REGION, "bucket": "b-1", "relay": "ali-import-f"}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass
class Region:
    """Function Compute and OSS of one region, on a far side."""

    oss: Callable[[Seen], Reply] = lambda _seen: Reply()
    invoked: list[Seen] = field(default_factory=list)
    asked: list[Seen] = field(default_factory=list)

    def answer(self, seen: Seen) -> Reply:
        if seen.host != f"fcv3.{REGION}.aliyuncs.com":
            self.asked.append(seen)
            return self.oss(seen)
        self.invoked.append(seen)
        assert seen.path == "/2023-03-30/functions/ali-import-f/invocations"
        context = SimpleNamespace(region=REGION)
        return Reply(body=relay.handler(seen.body, context).encode())


@pytest.fixture
def region(far: FarSide) -> Region:
    made = Region()
    far.answer = made.answer
    return made


# --- bodies --------------------------------------------------------------------------


def bodies(directory: Path) -> dict[str, Body]:
    path = directory / "disk.img"
    path.write_bytes(b"before" + DATA)
    return {
        "bytes": DATA,
        "file": PartBody(path=path, extents=(Extent(6, len(DATA)),)),
        "fetch": Fetch(sources=(SOURCE,), offset=0, length=len(DATA)),
    }


@pytest.mark.parametrize("kind", ["bytes", "file", "fetch"])
def test_each_kind_of_body_arrives_under_the_sdks_own_signature(
    region: Region, cloud: SdkCloud, tmp_path: Path, kind: str
) -> None:
    def oss(seen: Seen) -> Reply:
        if seen.host == INSIDE:
            return Reply(headers={"ETag": '"E"', "x-oss-hash-crc64ecma": "1"})
        told = {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}
        return Reply(status=206, body=DATA, headers=told)

    region.oss = oss
    body = bodies(tmp_path)[kind]
    part = anyio.run(
        cloud.call,
        calls.UploadPart(
            **WHERE, key="k", upload_id="U", number=2, body=body, content_md5=md5(DATA)
        ),
    )
    assert part == StoredPart(number=2, etag='"E"')
    put = region.asked[-1]
    assert (put.host, put.path) == (INSIDE, "/k")
    assert put.query == {"partNumber": "2", "uploadId": "U"}
    assert put.body == DATA
    assert base64.b64decode(put.headers["content-md5"]).hex() == md5(DATA)
    assert put.headers["authorization"].startswith("OSS4-HMAC-SHA256 Credential=")
    [invoked] = region.invoked
    assert invoked.headers["x-fc-log-type"] == "None"
    inline = kind != "fetch"
    assert (len(invoked.body) > len(DATA)) is inline
    # Framing costs a header, and no blow-up of the body.
    assert len(invoked.body) < len(DATA) * inline + 4096


def test_signed_headers_arrive_unchanged(region: Region, cloud: SdkCloud) -> None:
    request = calls.PutObject(**WHERE, key="k", body=DATA, content_md5=md5(DATA))
    anyio.run(cloud.call, request)
    header, _ = relay.unframe(region.invoked[0].body)
    sent = {name.lower(): value for name, value in header["headers"]}
    arrived = dict(region.asked[0].headers)
    assert arrived.pop("host") == INSIDE
    assert arrived.pop("content-length") == str(len(DATA))
    assert arrived == sent


# --- every data call -----------------------------------------------------------------

PAGE = (
    "<ListBucketResult><Contents><Key>k</Key><Size>7</Size></Contents>"
    "</ListBucketResult>"
)
UPLOADS = (
    "<ListMultipartUploadsResult><Upload><Key>k</Key><UploadId>U</UploadId></Upload>"
    "</ListMultipartUploadsResult>"
)
STARTED = (
    "<InitiateMultipartUploadResult><UploadId>U</UploadId>"
    "</InitiateMultipartUploadResult>"
)
COPY = calls.UploadPartCopy(
    **WHERE,
    key="k",
    upload_id="U",
    number=1,
    source_bucket="b-2",
    source_key="s",
    offset=5,
    length=7,
)
PARTS = (
    "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>E</ETag>"
    "<Size>7</Size></Part></ListPartsResult>"
)
COPIED = StoredPart(number=1, etag="E")
CALLS: list[tuple[calls.DataCall[Any], str, Any]] = [
    (calls.ListObjects(**WHERE), PAGE, (StoredObject(key="k", size_bytes=7),)),
    (
        calls.ListMultipartUploads(**WHERE),
        UPLOADS,
        (Upload(key="k", upload_id="U"),),
    ),
    (calls.InitiateMultipartUpload(**WHERE, key="k"), STARTED, "U"),
    (COPY, "<CopyPartResult><ETag>E</ETag></CopyPartResult>", COPIED),
    (
        calls.ListParts(**WHERE, key="k", upload_id="U"),
        PARTS,
        (StoredPart(number=1, etag="E", size_bytes=7),),
    ),
    (
        calls.CompleteMultipartUpload(
            **WHERE, key="k", upload_id="U", parts=[StoredPart(number=1, etag="E")]
        ),
        "<CompleteMultipartUploadResult><ETag>E</ETag></CompleteMultipartUploadResult>",
        None,
    ),
    (calls.AbortMultipartUpload(**WHERE, key="k", upload_id="U"), "", None),
    (calls.DeleteObjects(**WHERE, keys=["k"]), "", None),
]


@pytest.mark.parametrize(
    ("request_", "xml", "result"), CALLS, ids=lambda value: type(value).__name__
)
def test_every_data_call_can_be_relayed(
    region: Region,
    cloud: SdkCloud,
    request_: calls.DataCall[Any],
    xml: str,
    result: Any,
) -> None:
    region.oss = lambda _seen: as_xml(xml) if xml else Reply()
    assert anyio.run(cloud.call, request_) == result
    assert [seen.host for seen in region.asked] == [INSIDE]
    assert len(region.invoked) == 1


# --- sources -------------------------------------------------------------------------


class Renewed:
    """Temporary keys, new at every question, that end soon."""

    def __init__(self, life_s: float) -> None:
        self._expires_at = int(time.time() + life_s)
        self._made = 0

    def get_credentials(self) -> Any:
        from alibabacloud_credentials.provider.refreshable import Credentials as Found

        self._made += 1
        return Found(
            access_key_id=f"STS.x{self._made}",
            access_key_secret="s",
            security_token="t",
            expiration=self._expires_at,
            provider_name="test",
        )


def fetched_from(far: FarSide, region: Region, credentials: Credentials) -> list[str]:
    """Have one part fetched, three times, and return what the source was asked."""

    def oss(seen: Seen) -> Reply:
        if seen.host == INSIDE:
            return Reply(headers={"ETag": '"E"'})
        told = {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}
        return Reply(status=206, body=DATA, headers=told)

    region.oss = oss
    cloud = SdkCloud(
        Settings(proxy=far.proxy, ca_bundle=far.ca_path),
        credentials=credentials,
    )
    body = Fetch(sources=(SOURCE,), offset=0, length=len(DATA))
    call = calls.PutObject(**WHERE, key="k", body=body, content_md5=md5(DATA))
    for _ in range(3):
        anyio.run(cloud.call, call)
    asked = [seen for seen in region.asked if seen.host != INSIDE]
    assert {seen.host for seen in asked} == {"s-1.oss-eu-west-1.aliyuncs.com"}
    assert {seen.path for seen in asked} == {"/k/1"}
    cloud.close()
    return [seen.target for seen in asked]


def test_each_try_signs_its_sources_anew(far: FarSide, region: Region) -> None:
    targets = fetched_from(far, region, Credentials(Renewed(9000)))
    queries = [parse_qs(target.partition("?")[2]) for target in targets]
    keys = [query["x-oss-credential"][0].split("/")[0] for query in queries]
    assert len(set(keys)) == 3
    assert {query["x-oss-signature-version"][0] for query in queries} == {
        "OSS4-HMAC-SHA256"
    }
    for query in queries:
        assert 890 <= int(query["x-oss-expires"][0]) <= 900


def test_a_signed_source_does_not_outlive_its_token(
    far: FarSide, region: Region
) -> None:
    for target in fetched_from(far, region, Credentials(Renewed(600))):
        [seconds] = parse_qs(target.partition("?")[2])["x-oss-expires"]
        assert 570 <= int(seconds) <= 600


# --- failures ------------------------------------------------------------------------


def failure(cloud: SdkCloud, request: calls.Call[Any]) -> CloudError:
    with pytest.raises(CloudError) as caught:
        anyio.run(cloud.call, request)
    assert caught.value.region == REGION
    return caught.value


def test_what_oss_refuses_is_an_error_of_oss(region: Region, cloud: SdkCloud) -> None:
    region.oss = lambda _seen: as_xml(
        "<Error><Code>NoSuchBucket</Code><Message>m</Message>"
        "<RequestId>R</RequestId></Error>",
        404,
    )
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert isinstance(error, ApiError)
    assert (error.operation, error.code) == ("oss.ListObjects", "NoSuchBucket")
    assert (error.http_status, error.request_id) == (404, "R")


def test_a_target_that_fails_is_told_as_such(region: Region, cloud: SdkCloud) -> None:
    region.oss = lambda _seen: Reply(raw=b"")
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert isinstance(error, ApiError)
    assert (error.operation, error.code) == ("fc.InvokeFunction", "RelayTargetFailed")
    assert error.http_status == 200


def test_sources_that_fail_are_told_without_their_urls(
    region: Region, cloud: SdkCloud, tmp_path: Path
) -> None:
    region.oss = lambda _seen: Reply(status=403)
    body = bodies(tmp_path)["fetch"]
    request = calls.PutObject(**WHERE, key="k", body=body, content_md5=md5(DATA))
    error = failure(cloud, request)
    assert error.code == "RelayFetchFailed"
    assert "HTTP 403" in error.message
    assert "signature" not in error.diagnostics()
    assert INSIDE not in {seen.host for seen in region.asked}


def test_sources_that_do_not_exist_are_named(region: Region, cloud: SdkCloud) -> None:
    region.oss = lambda seen: Reply(status=404 if "s-1" in seen.host else 503)
    other = ObjectSource(region="us-east-1", bucket="s-2", key="k/1")
    body = Fetch(sources=(other, SOURCE), offset=0, length=len(DATA))
    error = failure(
        cloud, calls.PutObject(**WHERE, key="k", body=body, content_md5=md5(DATA))
    )
    assert isinstance(error, SourcesGoneError)
    assert error.gone == (SOURCE,)
    assert error.anew().gone == (SOURCE,)
    assert look_up(error).meaning is Meaning.SOURCE


def test_a_body_that_fits_no_invocation_takes_the_next_route(
    region: Region, cloud: SdkCloud, tmp_path: Path
) -> None:
    path = tmp_path / "disk.img"
    size = package.INLINE_BYTES_MAX + 1
    with path.open("wb") as file:
        file.truncate(size)
    zeros = hashlib.md5(bytes(size), usedforsecurity=False).hexdigest()
    body = PartBody(path=path, extents=(Extent(0, size),))
    error = failure(
        cloud, calls.PutObject(**WHERE, key="k", body=body, content_md5=zeros)
    )
    assert isinstance(error, ApiError)
    assert f"{size} bytes does not fit" in error.message
    assert look_up(error).meaning is Meaning.ROUTE
    assert not region.invoked


def test_a_relay_in_another_region_refuses(far: FarSide, cloud: SdkCloud) -> None:
    context = SimpleNamespace(region="cn-shanghai")
    far.answer = lambda seen: Reply(body=relay.handler(seen.body, context).encode())
    assert failure(cloud, calls.ListObjects(**WHERE)).code == "RelayRefused"


def test_a_function_that_dies_is_named_by_its_kind_of_death(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json(
        '{"errorMessage":"out of memory"}', X_Fc_Error_Type="FunctionOOMError"
    )
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert isinstance(error, ApiError)
    assert (error.operation, error.code) == ("fc.InvokeFunction", "FunctionOOMError")
    assert error.http_status == 200


def test_a_refusal_of_function_compute_passes_through(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: as_json(
        '{"Code":"FunctionNotFound","Message":"m","RequestId":"R"}', 404
    )
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert isinstance(error, ApiError)
    assert (error.operation, error.code) == ("fc.InvokeFunction", "FunctionNotFound")
    assert error.http_status == 404


def test_no_answer_of_function_compute_is_a_transport_error(
    far: FarSide, cloud: SdkCloud
) -> None:
    far.answer = lambda _seen: Reply(raw=b"")
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert type(error) is TransportError
    assert (error.operation, error.code) == ("fc.InvokeFunction", "NoAnswer")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"error": 1}',
        b'{"error": {"kind": "other"}}',
        b'{"status": "x", "headers": [], "body": ""}',
        b'{"status": 200, "headers": [1], "body": ""}',
        b'{"status": 200, "headers": [], "body": "%"}',
        b'{"status": 200, "headers": []}',
    ],
)
def test_an_answer_that_is_none_of_the_relays_is_garbled(
    far: FarSide, cloud: SdkCloud, answer: bytes
) -> None:
    far.answer = lambda _seen: Reply(body=answer)
    error = failure(cloud, calls.ListObjects(**WHERE))
    assert isinstance(error, TransportError)
    assert error.code == "GarbledAnswer"


# --- the transport and the package ---------------------------------------------------


def test_the_transport_takes_every_body_that_the_sdk_makes() -> None:
    payloads: list[bytes] = []

    def invoke(payload: bytes) -> bytes:
        payloads.append(payload)
        headers = [["A", "b"], ["x-oss-request-id", "5C3D"]]
        answer = {"status": 200, "reason": "OK", "headers": headers, "body": ""}
        return json.dumps(answer).encode()

    transport = RelayTransport(invoke, region=REGION)
    for body in (None, b"x", "x", io.BytesIO(b"x")):
        request = SimpleNamespace(
            method="POST", url="https://h/", headers={"A": "1", "B": None}, body=body
        )
        response = transport.send(request, stream=True, readwrite_timeout=5)
        assert response.headers["a"] == "b"
        assert response.read() == b""
    parts = [relay.unframe(payload) for payload in payloads]
    assert [bytes(rest) for _, rest in parts] == [b"", b"x", b"x", b"x"]
    assert parts[0][0]["headers"] == [["A", "1"]]


def test_the_package_holds_the_handler_alone_and_never_differs() -> None:
    code = package.function_code()
    assert code == package.function_code()
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        [entry] = archive.infolist()
        assert entry.filename == "handler.py"
        assert archive.read(entry) == Path(relay.__file__).read_bytes()
        module, name = package.HANDLER.split(".")
        assert f"{module}.py" == entry.filename
        assert callable(getattr(relay, name))


def test_the_limits_fit_each_other() -> None:
    assert package.DEADLINE_S < package.TIMEOUT_S < Settings().invocation_timeout_s
    assert package.INLINE_BYTES_MAX + relay.HEADER_TEXT_BYTES_MAX < 32_000_000
    assert package.MEMORY_MIB % 64 == 0
