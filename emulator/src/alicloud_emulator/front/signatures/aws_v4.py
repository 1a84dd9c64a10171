"""AWS4-HMAC-SHA256: what S3's clients sign object storage's S3-compatible API with.

The scope's region is not looked at: clients name whatever they were set to, and the
host says where the request went.

Sources: AWS's "Authenticating Requests (AWS Signature Version 4)"; OSS's pages of the
ECs 0002-00000404 to -430, whose examples show what is refused. NOTE their codes are a
guess, after those of OSS's own V4; so is that nothing else is refused.
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from alicloud_emulator.front.signatures import oss_errors
from alicloud_emulator.front.signatures.claim import (
    SKEW_S_MAX,
    Claim,
    SignedBody,
    canonical_query,
    percent_encoded,
    same,
)
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.signing import (
    AWS_ALGORITHM,
    AWS_TERMINAL,
    aws_signing_key,
)

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-"
_NOTHING = sha256(b"").hexdigest()
_EXPIRES_S_MAX = 604_800
_HEX = re.compile(r"[0-9a-f]{64}")
_BLANKS = re.compile(r"\s+")
_DATE = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A signature taken apart.

    Attributes:
        date: Like ``20261122T082325Z``.
        scope: Day, region, service and an end, with slashes between.
        payload: What the signature says of the body: a SHA-256, or how it comes.
    """

    access_key_id: str
    date: str
    scope: str
    signed_headers: tuple[str, ...]
    signature: str
    payload: str

    def sign(self, secret: str, text: str) -> str:
        """Return the signature of a text under this one's scope."""
        day, region, service, _ = self.scope.split("/")
        key = aws_signing_key(secret, day, region, service)
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()


def in_header(request: Request) -> bool:
    """Whether the Authorization header is signed this way."""
    return request.headers.get("authorization", "").startswith("AWS4-")


def in_query(request: Request) -> bool:
    """Whether the URL is presigned this way."""
    return bool(request.param("X-Amz-Algorithm"))


def read(request: Request, *, now: float) -> Claim:
    """Return what a request claims, in its header or in its URL.

    Raises:
        ServiceError: It is malformed, stale, or has expired.
    """
    if in_header(request):
        parts = _in_header(request, now=now)
        token = request.headers.get("x-amz-security-token", "")
    else:
        parts = _in_query(request, now=now)
        token = request.param("X-Amz-Security-Token")
    body = None
    if _HEX.fullmatch(parts.payload):
        body = SignedBody(sha256=parts.payload, refusal=_other_body)
    return Claim(
        way="aws-v4",
        access_key_id=parts.access_key_id,
        security_token=token,
        mismatch=_mismatch(request, parts),
        body=body,
        aws=parts,
    )


def _in_header(request: Request, *, now: float) -> Parts:
    header = request.headers["authorization"]
    pairs = (
        field.partition("=") for field in header.removeprefix(AWS_ALGORITHM).split(",")
    )
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    date = request.headers.get("x-amz-date", "")
    moment = _moment(date)
    if moment is None:
        raise oss_errors.malformed("x-amz-date", "")
    access_key_id, scope = _credential(fields.get("Credential", ""), "0002-00000404")
    if scope[:8] != date[:8]:
        raise oss_errors.malformed("date in Credential", "0002-00000409")
    signature = fields.get("Signature", "").lower()
    if not _HEX.fullmatch(signature) or not fields.get("SignedHeaders"):
        raise oss_errors.malformed("Authorization", "")
    if abs(now - moment) > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    payload = request.headers.get("x-amz-content-sha256", "")
    return Parts(
        access_key_id=access_key_id,
        date=date,
        scope=scope,
        signed_headers=_names(fields["SignedHeaders"]),
        signature=signature,
        payload=_checked_payload(payload, request.method),
    )


def _in_query(request: Request, *, now: float) -> Parts:
    if request.param("X-Amz-Algorithm") != AWS_ALGORITHM:
        raise oss_errors.malformed("X-Amz-Algorithm", "")
    access_key_id, scope = _credential(
        request.param("X-Amz-Credential"), "0002-00000413"
    )
    date = request.param("X-Amz-Date")
    moment = _moment(date)
    if moment is None:
        raise oss_errors.malformed("X-Amz-Date", "0002-00000415")
    if scope[:8] != date[:8]:
        raise oss_errors.malformed("date in X-Amz-Credential", "0002-00000421")
    expires = request.param("X-Amz-Expires")
    if not expires.isdecimal() or not 0 < int(expires[:9]) <= _EXPIRES_S_MAX:
        raise oss_errors.malformed("X-Amz-Expires", "")
    signature = request.param("X-Amz-Signature").lower()
    if not _HEX.fullmatch(signature) or not request.param("X-Amz-SignedHeaders"):
        raise oss_errors.malformed("X-Amz-Signature", "")
    if moment - now > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    if now > moment + int(expires):
        raise oss_errors.expired(moment + int(expires), now)
    payload = request.param("X-Amz-Content-Sha256") or request.headers.get(
        "x-amz-content-sha256", UNSIGNED
    )
    return Parts(
        access_key_id=access_key_id,
        date=date,
        scope=scope,
        signed_headers=_names(request.param("X-Amz-SignedHeaders")),
        signature=signature,
        payload=_checked_payload(payload, request.method),
    )


def _credential(credential: str, ec: str) -> tuple[str, str]:
    """Return the key's id and the scope."""
    fields = credential.rsplit("/", 4)
    if len(fields) != 5 or fields[4] != AWS_TERMINAL or not fields[0]:
        raise oss_errors.malformed("Credential", ec)
    return fields[0], "/".join(fields[1:])


def _checked_payload(payload: str, method: str) -> str:
    """Return what is said of the body, if it can be said.

    Raises:
        ServiceError: InvalidArgument.
    """
    if method in {"PUT", "POST"}:
        known = payload.startswith(STREAMING) or bool(_HEX.fullmatch(payload))
    else:
        known = payload == _NOTHING
    if not known and payload != UNSIGNED:
        raise _other_body()
    return payload


def _other_body() -> ServiceError:
    return oss_errors.malformed("X-Amz-Content-SHA256", "0002-00000427")


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.lower().split(";")))


def _moment(date: str) -> float | None:
    if not _DATE.fullmatch(date):
        return None
    try:
        moment = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def _mismatch(request: Request, parts: Parts) -> Callable[[str], ServiceError | None]:
    def mismatch(secret: str) -> ServiceError | None:
        tried = [
            _canonical(request, parts, path, query)
            for path in dict.fromkeys(_paths(request))
            for query in dict.fromkeys(_queries(request))
        ]
        for canonical in tried:
            expected = parts.sign(secret, _string_to_sign(parts, canonical))
            if same(expected, parts.signature):
                return None
        return oss_errors.mismatch(
            parts.access_key_id,
            parts.signature,
            _string_to_sign(parts, tried[-1]),
            canonical_request=tried[-1],
            in_url="authorization" not in request.headers,
        )

    return mismatch


def _string_to_sign(parts: Parts, canonical: str) -> str:
    digest = sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{AWS_ALGORITHM}\n{parts.date}\n{parts.scope}\n{digest}"


def _canonical(request: Request, parts: Parts, path: str, query: str) -> str:
    headers = "".join(
        f"{name}:{_BLANKS.sub(' ', request.headers.get(name, '')).strip()}\n"
        for name in parts.signed_headers
    )
    names = ";".join(parts.signed_headers)
    return f"{request.method}\n{path}\n{query}\n{headers}\n{names}\n{parts.payload}"


def _paths(request: Request) -> tuple[str, str]:
    """Return the path as it was sent (most clients sign just that), and by the book."""
    decoded = request.host.prefix + request.path
    if request.raw_path == request.host.prefix:
        decoded = request.host.prefix
    return request.raw_path, percent_encoded(decoded, safe="/")


def _queries(request: Request) -> tuple[str, str]:
    """Return the query as it was sent, and by the book."""
    pairs = sorted(
        (name, value)
        for name, _, value in (p.partition("=") for p in request.raw_query.split("&"))
        if name not in {"", "X-Amz-Signature"}
    )
    by_the_book = canonical_query(p for p in request.query if p[0] != "X-Amz-Signature")
    return "&".join(f"{name}={value}" for name, value in pairs), by_the_book
