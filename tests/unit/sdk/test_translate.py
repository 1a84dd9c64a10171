"""What each failure looks like, made with real sockets under the real SDKs."""

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from ali_import.cloud import calls
from ali_import.cloud.sdk.cloud import SdkCloud
from ali_import.cloud.sdk.settings import Settings
from ali_import.cloud.sdk.translate import Place, translate, translated
from ali_import.errors import (
    ApiError,
    CloudError,
    ConfigurationError,
    HostNotFoundError,
    TransportError,
)
from tests.unit.sdk.conftest import static_credentials
from tests.unit.sdk.far_side import FarSide, Reply, as_json, as_xml, closed_port

# One request of each SDK: ECS by RPC, Function Compute by ROA, OSS.
REQUESTS: list[calls.Call[Any]] = [
    calls.DescribeRegions(region="eu-west-1"),
    calls.GetFunction(region="eu-west-1", name="f"),
    calls.ListBuckets(region="eu-west-1", prefix="p"),
]
HOSTS = {
    "ecs": "ecs.eu-west-1.aliyuncs.com",
    "fc": "fcv3.eu-west-1.aliyuncs.com",
    "oss": "oss-eu-west-1.aliyuncs.com",
}
each_sdk = pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r.operation())


def failure(cloud: SdkCloud, request: calls.Call[Any]) -> CloudError:
    with pytest.raises(CloudError) as caught:
        anyio.run(cloud.call, request)
    assert caught.value.region == request.region
    assert caught.value.operation == request.operation()
    return caught.value


def cloud_with(settings: Settings) -> SdkCloud:
    return SdkCloud(settings, credentials=static_credentials())


# --- the proxy -----------------------------------------------------------------------


def is_missing(error: CloudError, request: calls.Call[Any]) -> bool:
    """Whether the error says that the region does not have the service."""
    assert error.code in {"NoAnswer", "HostNotFound"}
    assert (error.code == "HostNotFound") is isinstance(error, HostNotFoundError)
    assert HOSTS[request.SERVICE] in error.message
    return isinstance(error, HostNotFoundError)


@each_sdk
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (502, "No such host"),
        (404, "No such domain"),
        (503, "lookup failed: NXDOMAIN"),
        (502, "Name or service not known"),
    ],
)
def test_a_host_that_a_proxy_says_is_none_is_a_region_without_the_service(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    status: int,
    reason: str,
) -> None:
    far.refusals[HOSTS[request_.SERVICE]] = (status, reason)
    # Every region has ECS: there it is the proxy's resolver that is wrong.
    assert is_missing(failure(cloud, request_), request_) is (request_.SERVICE != "ecs")
    assert not far.seen


@each_sdk
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (502, "Bad Gateway"),
        (502, "Could not resolve host"),
        (503, "DNS failure"),
        (503, "Unable to resolve"),
        (504, "Gateway Timeout"),
    ],
)
def test_a_proxy_that_did_not_reach_the_host_gives_no_answer(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    status: int,
    reason: str,
) -> None:
    far.refusals[HOSTS[request_.SERVICE]] = (status, reason)
    error = failure(cloud, request_)
    assert type(error) is TransportError
    assert error.code == "NoAnswer"
    assert reason in error.message


@each_sdk
@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "Forbidden"), (407, "Proxy Authentication Required")],
)
def test_any_other_refusal_to_connect_is_the_proxys_failure(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    status: int,
    reason: str,
) -> None:
    far.refusals[HOSTS[request_.SERVICE]] = (status, reason)
    error = failure(cloud, request_)
    assert type(error) is TransportError
    assert error.code == "ProxyFailure"
    assert str(status) in error.message
    assert "HTTPS_PROXY" in error.advice


@each_sdk
def test_a_proxy_that_is_not_there_is_the_proxys_failure(
    settings: Settings, request_: calls.Call[Any]
) -> None:
    nobody = f"http://user:secretword@127.0.0.1:{closed_port()}"
    error = failure(cloud_with(replace(settings, proxy=nobody)), request_)
    assert error.code == "ProxyFailure"
    assert "secretword" not in error.diagnostics()


@each_sdk
def test_a_proxy_whose_own_name_does_not_resolve_is_the_proxys_failure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, request_: calls.Call[Any]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolves_nothing)
    error = failure(
        cloud_with(replace(settings, proxy="http://proxy.invalid:3128")), request_
    )
    assert error.code == "ProxyFailure"


def _resolves_nothing(*_args: object, **_options: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


# --- no proxy ------------------------------------------------------------------------


@each_sdk
@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_name_that_does_not_exist_is_a_region_without_the_service(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request_: calls.Call[Any],
    number: int,
) -> None:
    def resolve(*_args: object, **_options: object) -> None:
        raise socket.gaierror(number, "whatever it says")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = failure(cloud_with(replace(settings, proxy="")), request_)
    # Every region has ECS: there it is the resolver that is wrong.
    assert is_missing(error, request_) is (request_.SERVICE != "ecs")


@each_sdk
@pytest.mark.parametrize(
    "raised",
    [
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution"),
        TimeoutError("timed out"),
    ],
    ids=["again", "fail", "timeout"],
)
def test_a_resolver_that_fails_gives_no_answer(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request_: calls.Call[Any],
    raised: OSError,
) -> None:
    def resolve(*_args: object, **_options: object) -> None:
        raise raised

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = failure(cloud_with(replace(settings, proxy="")), request_)
    assert type(error) is TransportError
    assert error.code == "NoAnswer"


def test_the_central_sts_is_always_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolves_nothing)
    error = failure(cloud_with(replace(settings, proxy="")), calls.GetCallerIdentity())
    assert type(error) is TransportError
    assert error.code == "NoAnswer"


@each_sdk
def test_no_proxy_is_honoured(
    settings: Settings,
    far: FarSide,
    monkeypatch: pytest.MonkeyPatch,
    request_: calls.Call[Any],
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _resolves_nothing)
    error = failure(cloud_with(replace(settings, no_proxy=("aliyuncs.com",))), request_)
    assert "does not exist" in error.message
    assert not far.connects


# --- TLS -----------------------------------------------------------------------------


@each_sdk
def test_a_certificate_of_an_unknown_authority_says_what_to_set(
    settings: Settings, tmp_path: Path, request_: calls.Call[Any]
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    error = failure(cloud_with(replace(settings, ca_bundle=other)), request_)
    assert type(error) is TransportError
    assert error.code == "TlsFailure"
    assert "SSL_CERT_FILE" in error.advice


# --- no answer, or no answer of the protocol -----------------------------------------


@each_sdk
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(raw=b""), "NoAnswer"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "NoAnswer"),
        (Reply(raw=b"what is this\r\n\r\n"), "GarbledAnswer"),
        (Reply(body=b"<html><h1>hello<p></html>"), "GarbledAnswer"),
        (Reply(status=502, body=b"<html><h1>Bad Gateway</h1></html>"), "GarbledAnswer"),
        (Reply(status=503, body=b"<html><p>unclosed"), "GarbledAnswer"),
        (Reply(status=500, body=b"[1, 2]"), "GarbledAnswer"),
        (
            Reply(status=302, headers={"Location": "https://portal.invalid/login"}),
            "GarbledAnswer",
        ),
        (Reply(status=500, body=b""), "GarbledAnswer"),
        (Reply(status=500, body=b"{}"), "GarbledAnswer"),
        (Reply(body=b"\xff\xfe\x00"), "GarbledAnswer"),
        (Reply(body=b"null"), "GarbledAnswer"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, Reply) else value,
)
def test_a_bad_answer_is_a_transport_error_with_a_code(
    far: FarSide,
    cloud: SdkCloud,
    request_: calls.Call[Any],
    reply: Reply,
    code: str,
) -> None:
    far.answer = lambda _seen: reply
    error = failure(cloud, request_)
    assert type(error) is TransportError
    assert error.code == code


@each_sdk
def test_silence_is_no_answer(
    far: FarSide, settings: Settings, request_: calls.Call[Any]
) -> None:
    far.answer = lambda _seen: replace(as_json("{}"), stall_s=1.0)
    error = failure(cloud_with(replace(settings, read_timeout_s=0.3)), request_)
    assert type(error) is TransportError
    assert (error.code, error.message) == ("NoAnswer", "no answer in time")


@each_sdk
def test_nothing_is_sent_twice(
    far: FarSide, cloud: SdkCloud, request_: calls.Call[Any]
) -> None:
    far.answer = lambda _seen: Reply(status=503, body=b"<html>")
    failure(cloud, request_)
    assert len(far.seen) == 1


def test_an_answer_that_drips_for_ever_is_cut_off(
    far: FarSide, settings: Settings
) -> None:
    dripping = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    far.answer = lambda _seen: Reply(raw=dripping + b"1\r\n{\r\n" * 100_000)
    error = failure(cloud_with(replace(settings, answer_timeout_s=0.0)), REQUESTS[0])
    assert error.code == "NoAnswer"


# --- the cloud said no ---------------------------------------------------------------


@pytest.mark.parametrize("request_", REQUESTS[:2], ids=lambda r: r.operation())
@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
def test_an_error_of_ecs_and_function_compute_keeps_what_it_says(
    far: FarSide, cloud: SdkCloud, request_: calls.Call[Any], status: int
) -> None:
    far.answer = lambda _seen: as_json(
        '{"RequestId":"AB-12","Code":"Some.Code","Message":"No such thing."}', status
    )
    error = failure(cloud, request_)
    assert isinstance(error, ApiError)
    assert (error.code, error.http_status) == ("Some.Code", status)
    assert (error.request_id, error.message) == ("AB-12", "No such thing.")
    assert error.retry_after_s == 0


def test_a_throttled_call_says_how_long_to_wait(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_json(
        '{"RequestId":"1","Code":"Throttling.User","Message":"m"}',
        400,
        x_acs_retry_after="2500",
    )
    error = failure(cloud, REQUESTS[0])
    assert isinstance(error, ApiError)
    assert error.retry_after_s == 2.5


def test_an_error_of_oss_keeps_what_it_says(far: FarSide, cloud: SdkCloud) -> None:
    far.answer = lambda _seen: as_xml(
        "<Error><Code>PublicEndpointForbidden</Code><Message>Not allowed.</Message>"
        "<RequestId>5C3D</RequestId><EC>0048-00000401</EC></Error>",
        400,
    )
    error = failure(cloud, REQUESTS[2])
    assert isinstance(error, ApiError)
    assert (error.code, error.http_status) == ("PublicEndpointForbidden", 400)
    assert (error.request_id, error.message) == ("5C3D", "Not allowed.")


@pytest.mark.parametrize(
    "code",
    ["InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch", "InvalidSecurityToken.X"],
)
def test_refused_credentials_are_a_matter_of_configuration(
    far: FarSide, cloud: SdkCloud, code: str
) -> None:
    far.answer = lambda _seen: as_json(
        f'{{"RequestId":"1","Code":"{code}","Message":"m"}}', 404
    )
    with pytest.raises(ConfigurationError, match=code) as caught:
        anyio.run(cloud.call, calls.GetCallerIdentity())
    assert "access key" in caught.value.advice


def test_an_error_text_shows_no_secret(far: FarSide, cloud: SdkCloud) -> None:
    secrets = "LTAI5tAbCdEfGh", "c2lnbmF0dXJlLW9mLXRoZS1yZXF1ZXN0Cg==", "CAISxyz"
    told = (
        f"Bad https://h.aliyuncs.com/k?x-oss-signature=0123456789abcdef "
        f"AccessKeyId={secrets[0]} Signature: {secrets[1]} security_token={secrets[2]}"
    )
    far.answer = lambda _seen: as_json(
        f'{{"RequestId":"1","Code":"Some","Message":"{told}\\u001b[2J\\n"}}', 400
    )
    text = failure(cloud, REQUESTS[0]).diagnostics()
    assert not any(secret in text for secret in secrets)
    assert "0123456789abcdef" not in text
    assert text.isprintable()


# --- the table -----------------------------------------------------------------------


def test_our_own_mistakes_are_not_taken_for_the_clouds() -> None:
    with pytest.raises(ZeroDivisionError), translated(Place(region="", operation="x")):
        _ = 1 // 0


def classes(module: Any) -> list[type[BaseException]]:
    """Return the exceptions that a module defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and not issubclass(value, Warning)
    ]


def wrapped(kind: type[BaseException]) -> Exception:
    """Return an exception of this kind inside the wrapper that the OSS SDK puts on."""
    from alibabacloud_oss_v2.exceptions import OperationError

    wrapper = OperationError.__new__(OperationError)
    wrapper._error = kind.__new__(kind)
    assert isinstance(wrapper, Exception)
    return wrapper


def test_every_exception_of_the_http_layers_means_that_no_answer_came() -> None:
    import requests.exceptions
    import urllib3.exceptions

    place = Place(region="", operation="x")
    codes = {
        kind.__name__: error.code
        for module in (requests.exceptions, urllib3.exceptions)
        for kind in classes(module)
        if isinstance(error := translate(wrapped(kind), place), CloudError)
    }
    assert len(codes) > 40
    garbled = {name for name, code in codes.items() if code == "GarbledAnswer"}
    # A redirect is an answer. The others cannot come here: a class of the email
    # package, and a kind of proxy that the settings refuse.
    assert garbled == {"MessageDefect", "ProxySchemeUnsupported", "TooManyRedirects"}
    assert set(codes.values()) == {
        "GarbledAnswer",
        "NoAnswer",
        "ProxyFailure",
        "TlsFailure",
    }


def test_every_exception_of_the_sdks_has_a_meaning() -> None:
    import alibabacloud_oss_v2.exceptions as oss
    import alibabacloud_tea_openapi.exceptions as tea

    place = Place(region="", operation="x")
    for module in (oss, tea):
        for kind in classes(module):
            exc = wrapped(kind)
            exc._error.__dict__.update(  # type: ignore[attr-defined]
                code="C", data={}, status_code=400, message="m", request_id="r"
            )
            assert translate(exc, place) is not None, kind
