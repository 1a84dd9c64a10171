"""Signatures, made by the official SDKs and sent over real sockets."""

import hmac
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss
import oss2
import pytest
import requests
from alibabacloud_ecs20140526 import models as ecs_models
from alibabacloud_ecs20140526.client import Client as Ecs
from alibabacloud_fc20230330 import models as fc_models
from alibabacloud_fc20230330.client import Client as Fc
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from alicloud_emulator.front.signatures.nonces import Nonces
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.oss.signing import signing_key
from alicloud_emulator.world.profile import Account, Profile
from emulator.tests.unit.front.conftest import RunningFront, running_front

# The oldest SDK brings its own urllib3, which uses what Python deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:ssl\\.:DeprecationWarning")

REGION = "ap-southeast-1"
ROLE = "AliyunFcDefaultRole"
BUCKET = "bucket-1"
KEY = "dir/ä b+c~'()*&=.txt"


class Clients:
    """SDK clients that come through the proxy under test, and what they sent."""

    def __init__(self, front: RunningFront, account: Account) -> None:
        self.front = front
        self.seen: list[Request] = []
        self.key, self.secret = account.access_key_id, account.access_key_secret
        self.token = ""
        front.echo.handler = self.note

    def note(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(headers={"Content-Type": "application/json"}, body=b"{}")

    def become_role(self) -> None:
        """Use temporary credentials from here on."""
        world = self.front.world
        account = world.profile.accounts[0]
        token = world.ram.assume_for_service(
            account.id, ROLE, service="fc.aliyuncs.com", session="sdk", duration_s=900
        )
        self.key, self.secret = token.access_key_id, token.access_key_secret
        self.token = token.security_token

    def config(self, endpoint: str) -> Config:
        return Config(
            access_key_id=self.key,
            access_key_secret=self.secret,
            security_token=self.token or None,
            endpoint=endpoint,
        )

    def ecs(self) -> Any:
        return Ecs(self.config(f"ecs.{REGION}.aliyuncs.com"))

    def fc(self) -> Any:
        return Fc(self.config(f"fcv3.{REGION}.aliyuncs.com"))

    def acs(self) -> Any:
        verify = str(self.front.bundle)
        if self.token:
            token = StsTokenCredential(self.key, self.secret, self.token)
            return AcsClient(region_id=REGION, credential=token, verify=verify)
        return AcsClient(self.key, self.secret, REGION, verify=verify)

    def oss_v2(self, version: str) -> Any:
        config = oss.config.load_default()
        config.region = REGION
        config.signature_version = version
        config.retry_max_attempts = 1
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(
            self.key, self.secret, self.token or None
        )
        return oss.Client(config)

    def oss2(self, auth: Any) -> Any:
        host = f"https://oss-{REGION}.aliyuncs.com"
        return oss2.Bucket(auth, host, BUCKET, region=REGION)


@pytest.fixture
def clients(front: RunningFront, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, front.proxies["https"])
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(front.bundle))
    monkeypatch.setattr("certifi.where", lambda: str(front.bundle))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(front.bundle))
    return Clients(front, front.world.profile.accounts[0])


def acs3_rpc(clients: Clients) -> None:
    images = ecs_models.DescribeImagesRequest(
        region_id=REGION,
        image_name="ipxe-*~ ü+/",
        tag=[ecs_models.DescribeImagesRequestTag(key="a.b", value="c d")],
    )
    clients.ecs().describe_images(images)


def acs3_roa(clients: Clients) -> None:
    clients.fc().list_functions(fc_models.ListFunctionsRequest(prefix="a b/+"))


def acs3_roa_with_body(clients: Clients) -> None:
    payload = fc_models.InvokeFunctionRequest(body=b"\x00\xffpayload" * 1000)
    clients.fc().invoke_function("fn", payload)


def rpc_v1_get(clients: Clients) -> None:
    clients.acs().do_action_with_exception(common_request("GET"))


def rpc_v1_post(clients: Clients) -> None:
    clients.acs().do_action_with_exception(common_request("POST"))


def rpc_v1_form(clients: Clients) -> None:
    request = common_request("POST")
    request.add_body_params("Description", "in the form: ü + ~ *")
    clients.acs().do_action_with_exception(request)


def common_request(method: str) -> Any:
    request = CommonRequest(
        domain=f"ecs.{REGION}.aliyuncs.com",
        version="2014-05-26",
        action_name="DescribeImages",
    )
    request.set_protocol_type("https")
    request.set_method(method)
    request.add_query_param("ImageName", "ipxe-*~ ü+/")
    return request


def v2_put(version: str) -> Callable[[Clients], None]:
    def put(clients: Clients) -> None:
        request = oss.PutObjectRequest(
            bucket=BUCKET,
            key=KEY,
            body=b"x",
            content_type="text/plain",
            metadata={"a": "b c"},
            tagging="k=v&k2=v2",
        )
        clients.oss_v2(version).put_object(request)

    return put


def v2_abort(version: str) -> Callable[[Clients], None]:
    def abort(clients: Clients) -> None:
        request = oss.AbortMultipartUploadRequest(
            bucket=BUCKET, key=KEY, upload_id="A/B+C="
        )
        clients.oss_v2(version).abort_multipart_upload(request)

    return abort


def v2_presigned(version: str) -> Callable[[Clients], None]:
    def presigned(clients: Clients) -> None:
        request = oss.GetObjectRequest(
            bucket=BUCKET, key=KEY, response_content_type="a/b; c=d"
        )
        url = clients.oss_v2(version).presign(request).url
        assert requests.get(url, timeout=20).status_code == 200

    return presigned


def v1_auth(clients: Clients) -> Any:
    if clients.token:
        return oss2.StsAuth(clients.key, clients.secret, clients.token)
    return oss2.Auth(clients.key, clients.secret)


def provider(clients: Clients) -> Any:
    return oss2.credentials.StaticCredentialsProvider(
        clients.key, clients.secret, clients.token or None
    )


def auth_v2(clients: Clients) -> Any:
    return oss2.ProviderAuthV2(provider(clients))


def v4_auth(clients: Clients) -> Any:
    return oss2.ProviderAuthV4(provider(clients))


def oss2_put(auth: Callable[[Clients], Any]) -> Callable[[Clients], None]:
    def put(clients: Clients) -> None:
        headers = {"x-oss-meta-a": "b", "Content-MD5": "nhB9nTcrtoJr2B01QqQZ1g=="}
        clients.oss2(auth(clients)).put_object(KEY, b"x" * 10, headers=headers)

    return put


def oss2_presigned(auth: Callable[[Clients], Any]) -> Callable[[Clients], None]:
    def presigned(clients: Clients) -> None:
        bucket = clients.oss2(auth(clients))
        url = bucket.sign_url("GET", KEY, 60, params={"versionId": "a b"})
        assert requests.get(url, timeout=20).status_code == 200

    return presigned


def oss2_v2_with_another_date(clients: Clients) -> None:
    """The SDK signs Date, and x-oss-date among the headers only."""
    headers = {"x-oss-date": oss2.utils.http_date(86_400)}
    clients.oss2(auth_v2(clients)).put_object(KEY, b"x", headers=headers)


def oss2_presigned_with_signed_header(clients: Clients) -> None:
    bucket = clients.oss2(v4_auth(clients))
    headers = {"content-type": "text/x", "cache-control": "no-cache"}
    url = bucket.sign_url(
        "PUT", KEY, 60, headers=headers, additional_headers={"cache-control"}
    )
    assert requests.put(url, b"x", headers=headers, timeout=20).status_code == 200


WAYS: list[tuple[str, Callable[[Clients], None]]] = [
    ("acs3", acs3_rpc),
    ("acs3", acs3_roa),
    ("acs3", acs3_roa_with_body),
    ("rpc", rpc_v1_get),
    ("rpc", rpc_v1_post),
    ("rpc", rpc_v1_form),
    ("oss-v4", v2_put("v4")),
    ("oss-v4", v2_abort("v4")),
    ("oss-v4", v2_presigned("v4")),
    ("oss-v1", v2_put("v1")),
    ("oss-v1", v2_abort("v1")),
    ("oss-v1", v2_presigned("v1")),
    ("oss-v1", oss2_put(v1_auth)),
    ("oss-v1", oss2_presigned(v1_auth)),
    ("oss-v2", oss2_put(auth_v2)),
    ("oss-v2", oss2_presigned(auth_v2)),
    ("oss-v2", oss2_v2_with_another_date),
    ("oss-v4", oss2_put(v4_auth)),
    ("oss-v4", oss2_presigned(v4_auth)),
    ("oss-v4", oss2_presigned_with_signed_header),
]


@pytest.mark.parametrize(("way", "work"), WAYS)
def test_what_an_official_sdk_signs_is_believed(
    clients: Clients, way: str, work: Callable[[Clients], None]
) -> None:
    work(clients)
    assert [request.signature for request in clients.seen] == [way]
    caller = clients.seen[0].caller
    assert caller is not None
    assert caller.arn == "acs:ram::1234567890123456:root"
    assert caller.access_key_id == clients.key


@pytest.mark.parametrize(("way", "work"), WAYS)
def test_a_wrong_secret_is_not_believed(
    clients: Clients, way: str, work: Callable[[Clients], None]
) -> None:
    clients.secret = "guessed"
    with pytest.raises(Exception):  # noqa: B017 - each SDK has its own
        work(clients)
    assert clients.seen == []
    record = clients.front.events.last[-1]
    assert record["code"] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(("way", "work"), WAYS)
def test_temporary_credentials_are_believed_everywhere(
    clients: Clients, way: str, work: Callable[[Clients], None]
) -> None:
    clients.become_role()
    work(clients)
    assert [request.signature for request in clients.seen] == [way]
    caller = clients.seen[0].caller
    assert caller is not None
    assert caller.arn.endswith(f":assumed-role/{ROLE}/sdk")


@pytest.mark.parametrize(("way", "work"), WAYS)
def test_expired_temporary_credentials_are_not(
    clients: Clients, way: str, work: Callable[[Clients], None]
) -> None:
    clients.become_role()
    session = clients.front.world.ram.sessions.find(clients.key, clients.token)
    object.__setattr__(session, "expires_at", 0.0)
    with pytest.raises(Exception):  # noqa: B017 - each SDK has its own
        work(clients)
    assert clients.seen == []
    code = clients.front.events.last[-1]["code"]
    assert code in {"InvalidSecurityToken.Expired", "SecurityTokenExpired"}


def again(
    clients: Clients, sent: Request, data: bytes = b"", **changes: Any
) -> requests.Response:
    """Send a request once more as it was, but for some changes."""
    changed = replace(sent, **changes)
    query = f"?{changed.raw_query}" if changed.raw_query else ""
    return requests.request(
        changed.method,
        f"https://{changed.host.name}{changed.raw_path}{query}",
        headers=dict(changed.headers),
        data=data,
        timeout=20,
    )


def code_of(answer: requests.Response) -> tuple[str, int]:
    return answer.json()["Code"], answer.status_code


def first_sent(clients: Clients, work: Callable[[Clients], None]) -> Request:
    work(clients)
    return clients.seen[0]


@pytest.mark.parametrize("work", [acs3_rpc, rpc_v1_get])
def test_a_nonce_is_good_once(
    clients: Clients, work: Callable[[Clients], None]
) -> None:
    sent = first_sent(clients, work)
    assert code_of(again(clients, sent)) == ("SignatureNonceUsed", 400)


def test_an_oss_request_may_be_sent_again(clients: Clients) -> None:
    sent = first_sent(clients, v2_abort("v4"))
    assert again(clients, sent).status_code == 200


@pytest.mark.parametrize(
    "work", [acs3_rpc, rpc_v1_get, v2_abort("v4"), v2_abort("v1"), v2_presigned("v4")]
)
def test_a_changed_parameter_breaks_the_signature(
    clients: Clients, work: Callable[[Clients], None]
) -> None:
    sent = first_sent(clients, work)
    changed = sent.raw_query.replace("=", "=x", 1) + "&versionId=1"
    assert (
        code_of(again(clients, sent, raw_query=changed))[0] == "SignatureDoesNotMatch"
    )


def test_a_changed_body_breaks_the_signature(
    clients: Clients, profile: Profile, tmp_path: Path
) -> None:
    sent = first_sent(clients, acs3_roa_with_body)
    # Elsewhere, where its nonce was not seen yet.
    with running_front(profile, tmp_path) as elsewhere:
        answer = requests.post(
            f"https://{sent.host.name}{sent.raw_path}?{sent.raw_query}",
            headers=dict(sent.headers),
            data=b"x" * int(sent.headers["content-length"]),
            proxies=elsewhere.proxies,
            verify=str(elsewhere.bundle),
            timeout=20,
        )
    assert code_of(answer) == ("SignatureDoesNotMatch", 400)


def test_a_body_is_not_taken_in_before_its_signature_is_good(clients: Clients) -> None:
    """Clients without a key made the emulator keep 64 MiB each in memory."""
    sent = first_sent(clients, acs3_roa_with_body)
    authorization = sent.headers["authorization"].replace("Credential=", "Credential=x")
    answer = again(
        clients,
        sent,
        data=bytes(4_000_000),
        headers={**sent.headers, "authorization": authorization},
    )
    assert code_of(answer)[1] == 403
    assert clients.front.events.last[-1]["bytes_received"] == 0


@pytest.mark.parametrize(
    ("work", "code", "status"),
    [
        (acs3_rpc, "InvalidTimeStamp.Expired", 400),
        (acs3_roa, "InvalidTimeStamp.Expired", 400),
        (rpc_v1_get, "InvalidTimeStamp.Expired", 400),
        (v2_abort("v4"), "RequestTimeTooSkewed", 403),
        (v2_abort("v1"), "RequestTimeTooSkewed", 403),
        (v2_presigned("v4"), "AccessDenied", 403),
        (v2_presigned("v1"), "AccessDenied", 403),
    ],
)
def test_after_a_quarter_of_an_hour_a_request_is_stale(
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Clients], None],
    code: str,
    status: int,
) -> None:
    sent = first_sent(clients, work)
    agenda = clients.front.world.agenda
    later = agenda.now + 16 * 60
    monkeypatch.setattr(type(agenda), "now", property(lambda _: later))
    answer = again(clients, sent)
    assert code_of(answer) == (code, status)
    if "presigned" in work.__name__:
        assert answer.json()["Message"] == "Request has expired."


@pytest.mark.parametrize(
    ("work", "code", "status"),
    [
        (acs3_rpc, "InvalidAccessKeyId.NotFound", 404),
        (acs3_roa, "InvalidAccessKeyID", 403),
        (rpc_v1_get, "InvalidAccessKeyId.NotFound", 404),
        (v2_abort("v4"), "InvalidAccessKeyId", 403),
        (v2_abort("v1"), "InvalidAccessKeyId", 403),
    ],
)
def test_an_unknown_key_is_refused_in_the_words_of_the_product(
    clients: Clients, work: Callable[[Clients], None], code: str, status: int
) -> None:
    clients.key = "LTAInobody"
    with pytest.raises(Exception):  # noqa: B017 - each SDK has its own
        work(clients)
    assert clients.front.events.last[-1]["code"] == code
    assert clients.front.events.last[-1]["outcome"] == str(status)


def test_a_v4_signature_is_for_one_region(clients: Clients) -> None:
    sent = first_sent(clients, v2_abort("v4"))
    other = replace(
        sent.host, name=f"{BUCKET}.oss-cn-hongkong.aliyuncs.com", region="cn-hongkong"
    )
    headers = {**sent.headers, "host": other.name}
    answer = again(clients, sent, host=other, headers=headers)
    assert code_of(answer) == ("InvalidArgument", 400)
    assert "signing region" in answer.json()["Message"]


@pytest.mark.parametrize("day", ["2022-12-20", "20221220", "2022122"])
def test_a_v4_scope_is_of_the_day_of_the_request(clients: Clients, day: str) -> None:
    sent = first_sent(clients, v2_abort("v4"))
    today = sent.headers["x-oss-date"][:8]
    authorization = sent.headers["authorization"].replace(f"/{today}/", f"/{day}/")
    headers = {**sent.headers, "authorization": authorization}
    answer = again(clients, sent, headers=headers)
    assert code_of(answer) == ("InvalidArgument", 400)
    assert "signing date" in answer.json()["Message"]
    clients.seen.clear()
    sent = first_sent(clients, v2_presigned("v4"))
    query = sent.raw_query.replace(f"%2F{today}%2F", f"%2F{day}%2F")
    answer = again(clients, sent, raw_query=query)
    assert code_of(answer) == ("InvalidArgument", 400)
    assert "signing date" in answer.json()["Message"]


def test_a_v4_request_without_its_own_date_signs_the_ordinary_one(
    clients: Clients,
) -> None:
    """As the SDK for Go does: ``Date`` is signed as it is sent."""
    date = formatdate(usegmt=True)
    day = parsedate_to_datetime(date).strftime("%Y%m%d")
    scope = f"{day}/{REGION}/oss/aliyun_v4_request"
    payload = "UNSIGNED-PAYLOAD"
    canonical = f"GET\n/{BUCKET}/k\n\nx-oss-content-sha256:{payload}\n\n\n{payload}"
    digest = sha256(canonical.encode()).hexdigest()
    signature = hmac.new(
        signing_key(clients.secret, day, REGION),
        f"OSS4-HMAC-SHA256\n{date}\n{scope}\n{digest}".encode(),
        sha256,
    ).hexdigest()
    answer = requests.get(
        f"https://{BUCKET}.oss-{REGION}.aliyuncs.com/k",
        headers={
            "Authorization": f"OSS4-HMAC-SHA256 Credential={clients.key}/{scope},"
            f"Signature={signature}",
            "Date": date,
            "x-oss-content-sha256": payload,
        },
        timeout=20,
    )
    assert answer.status_code == 200


def test_a_mismatch_shows_what_the_server_signed(clients: Clients) -> None:
    sent = first_sent(clients, v2_abort("v4"))
    answer = again(clients, sent, raw_query="uploadId=other").json()
    assert answer["fields"]["StringToSign"].startswith("OSS4-HMAC-SHA256\n")
    assert answer["fields"]["CanonicalRequest"].startswith("DELETE\n/bucket-1/dir/")
    assert clients.secret not in str(answer)


@pytest.mark.parametrize(
    "authorization",
    [
        "ACS3-HMAC-SHA256",
        "ACS3-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
        "ACS3-RSA-SHA256 Credential=a,SignedHeaders=host,Signature=00",
        "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=zz",
    ],
)
def test_a_malformed_acs3_header_is_incomplete(
    clients: Clients, authorization: str
) -> None:
    answer = requests.post(
        "https://ecs.aliyuncs.com/?Action=DescribeRegions",
        headers={"Authorization": authorization},
        timeout=20,
    )
    assert code_of(answer) == ("IncompleteSignature", 400)


@pytest.mark.parametrize(
    "authorization",
    [
        "OSS4-HMAC-SHA256",
        "OSS4-HMAC-SHA256 Credential=a/b/c,Signature=" + "0" * 64,
        "OSS ",
        "OSS nocolon",
        "Basic abc",
    ],
)
def test_a_malformed_oss_header_is_an_invalid_argument(
    clients: Clients, authorization: str
) -> None:
    answer = requests.get(
        "https://b.oss-cn-hongkong.aliyuncs.com/k",
        headers={"Authorization": authorization, "x-oss-date": "20261122T000000Z"},
        timeout=20,
    )
    assert code_of(answer) == ("InvalidArgument", 400)


V4_QUERY = "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20261122T000000Z"


@pytest.mark.parametrize(
    "query",
    [
        "x-oss-signature-version=OSS9",
        "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=x",
        f"{V4_QUERY}&x-oss-expires=604801",
        "OSSAccessKeyId=a&Expires=tomorrow&Signature=x",
        "OSSAccessKeyId=a&Expires=99999999999",
    ],
)
def test_a_malformed_presigned_url_is_an_invalid_argument(
    clients: Clients, query: str
) -> None:
    url = f"https://b.oss-cn-hongkong.aliyuncs.com/k?{query}"
    assert code_of(requests.get(url, timeout=20)) == ("InvalidArgument", 400)


def test_an_unsigned_call_is_refused_but_where_it_need_not_be_signed(
    clients: Clients,
) -> None:
    url = "https://sts.aliyuncs.com/?Action="
    answer = requests.post(f"{url}GetCallerIdentity", timeout=20)
    assert code_of(answer) == ("MissingAccessKeyId", 400)
    assert requests.post(f"{url}AssumeRoleWithOIDC", timeout=20).status_code == 200
    assert requests.get("https://b.oss-cn-hongkong.aliyuncs.com/k", timeout=20).ok
    assert [request.caller for request in clients.seen] == [None, None]


def test_form_parameters_reach_the_service_as_parameters(clients: Clients) -> None:
    sent = first_sent(clients, rpc_v1_form)
    assert sent.param("Description") == "in the form: ü + ~ *"
    assert sent.param("Action") == "DescribeImages"


def test_nonces_are_forgotten_in_time_and_bounded_in_number() -> None:
    nonces = Nonces(window_s=10)
    assert nonces.first_use("a", "n", 0.0)
    assert not nonces.first_use("a", "n", 9.0)
    assert nonces.first_use("b", "n", 9.0)
    assert nonces.first_use("a", "other", 11.0)
    assert not nonces.first_use("a", "n", 12.0)
    assert nonces.first_use("a", "third", 22.0)
    assert nonces.first_use("a", "n", 22.5)
    for number in range(250_000):
        nonces.first_use("c", str(number), 23.0)
    assert nonces._young.size + nonces._old.size <= 200_000


def test_browsers_ask_about_signed_urls_without_a_signature(clients: Clients) -> None:
    url = clients.oss2(v4_auth(clients)).sign_url("PUT", KEY, 60)
    assert requests.options(url, timeout=20).status_code == 200
    assert requests.get(url, timeout=20).json()["Code"] == "SignatureDoesNotMatch"
    (asked,) = clients.seen
    assert (asked.method, asked.caller, asked.signature) == ("OPTIONS", None, "")
