"""OSS4-HMAC-SHA256: OSS requests of today, signed in the header or in the URL.

Source: the OSS V4 signature pages; error codes 0002-000002xx; fact sheet 0.4.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from alicloud_emulator.front.signatures import oss_errors
from alicloud_emulator.front.signatures.claim import (
    SKEW_S_MAX,
    Claim,
    percent_encoded,
    same,
    unix_time,
)
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.signing import ALGORITHM, TERMINAL, signing_key

_EXPIRES_S_MAX = 604_800
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")
_DEFAULT_HEADERS = frozenset({"content-type", "content-md5"})


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A V4 signature taken apart.

    ``date`` is as it was signed: like ``20261122T082325Z``, or what ``Date`` says where
    that is the only one, as the SDK for Go does it.
    """

    access_key_id: str
    scope: str
    day: str
    region: str
    date: str
    additional: tuple[str, ...]
    signature: str


def in_header(request: Request) -> bool:
    """Whether the Authorization header is signed this way."""
    return request.headers.get("authorization", "").startswith("OSS4-")


def in_query(request: Request) -> bool:
    """Whether the URL is presigned this way."""
    return bool(request.param("x-oss-signature-version"))


def read_header(request: Request, *, now: float) -> Claim:
    """Return what a signed header claims.

    Raises:
        ServiceError: The header is malformed, for another region, or stale.
    """
    fields = _authorization(request.headers["authorization"])
    date = request.headers.get("x-oss-date", "") or request.headers.get("date", "")
    moment = unix_time(date)
    if moment is None:
        raise oss_errors.malformed("x-oss-date")
    parts = _parts(
        request,
        credential=fields["Credential"],
        moment=moment,
        date="" if request.headers.get("x-oss-date", "") else date,
        additional=fields.get("AdditionalHeaders", ""),
        signature=fields["Signature"],
        bad_region=oss_errors.bad_scope("region", request.headers["authorization"]),
        bad_day=oss_errors.bad_day(),
    )
    if abs(now - moment) > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    if request.headers.get("x-oss-content-sha256", "") == "":
        raise oss_errors.malformed("x-oss-content-sha256")
    token = request.headers.get("x-oss-security-token", "")
    return _claim(request, parts, token)


def read_query(request: Request, *, now: float) -> Claim:
    """Return what a presigned URL claims.

    Raises:
        ServiceError: It is malformed, for another region, or has expired.
    """
    date = request.param("x-oss-date")
    moment, expires = unix_time(date), request.param("x-oss-expires")
    signature = request.param("x-oss-signature")
    if request.param("x-oss-signature-version") != ALGORITHM:
        raise oss_errors.malformed("x-oss-signature-version")
    if moment is None:
        raise oss_errors.malformed("x-oss-date")
    if not expires:
        raise oss_errors.malformed("x-oss-expires", "0002-00000216")
    if not expires.isdecimal() or not 0 < int(expires[:9]) <= _EXPIRES_S_MAX:
        raise oss_errors.malformed("x-oss-expires")
    if not _SIGNATURE.fullmatch(signature):
        raise oss_errors.malformed("x-oss-signature")
    parts = _parts(
        request,
        credential=request.param("x-oss-credential"),
        moment=moment,
        additional=request.param("x-oss-additional-headers"),
        signature=signature,
        bad_region=oss_errors.bad_region_in_url(),
        bad_day=oss_errors.bad_day_in_url(),
    )
    if moment - now > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    if now > moment + int(expires):
        raise oss_errors.expired(moment + int(expires), now)
    token = request.param("x-oss-security-token") or request.headers.get(
        "x-oss-security-token", ""
    )
    return _claim(request, parts, token)


def _authorization(header: str) -> dict[str, str]:
    """Return the fields of the header, which come in any order.

    Raises:
        ServiceError: One is missing, or malformed.
    """
    pairs = (
        field.partition("=") for field in header.removeprefix(ALGORITHM).split(",")
    )
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    signature = fields.get("Signature", "")
    if "Credential" not in fields or not _SIGNATURE.fullmatch(signature):
        raise oss_errors.malformed("Authorization")
    return fields


def _parts(
    request: Request,
    *,
    credential: str,
    moment: float,
    date: str = "",
    additional: str,
    signature: str,
    bad_region: ServiceError,
    bad_day: ServiceError,
) -> _Parts:
    fields = credential.rsplit("/", 4)
    if len(fields) != 5:
        raise oss_errors.malformed("Credential")
    access_key_id, day, region, product, terminal = fields
    # Not strftime, which writes the year 1 with one digit.
    iso = datetime.fromtimestamp(int(moment), UTC).isoformat()[:19]
    iso = iso.replace("-", "").replace(":", "") + "Z"
    if terminal != TERMINAL:
        raise oss_errors.malformed("Credential")
    if day != iso[:8]:
        raise bad_day
    if product != "oss":
        raise oss_errors.bad_scope("product", request.headers.get("authorization", ""))
    if request.host.region and region != request.host.region:
        raise bad_region
    return _Parts(
        access_key_id=access_key_id,
        scope=f"{day}/{region}/{product}/{terminal}",
        day=day,
        region=region,
        date=date or iso,
        additional=tuple(sorted(filter(None, additional.lower().split(";")))),
        signature=signature.lower(),
    )


def _claim(request: Request, parts: _Parts, token: str) -> Claim:
    def mismatch(secret: str) -> ServiceError | None:
        key = signing_key(secret, parts.day, parts.region)
        tried = [_canonical(request, parts, exact=exact) for exact in (True, False)]
        for canonical in tried:
            to_sign = _string_to_sign(parts, canonical)
            expected = hmac.new(key, to_sign.encode(), sha256).hexdigest()
            if same(expected, parts.signature):
                return None
        return oss_errors.mismatch(
            parts.access_key_id,
            parts.signature,
            _string_to_sign(parts, tried[-1]),
            canonical_request=tried[-1],
            in_url="authorization" not in request.headers,
        )

    return Claim(
        way="oss-v4",
        access_key_id=parts.access_key_id,
        security_token=token,
        mismatch=mismatch,
    )


def _string_to_sign(parts: _Parts, canonical: str) -> str:
    digest = sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{ALGORITHM}\n{parts.date}\n{parts.scope}\n{digest}"


def _canonical(request: Request, parts: _Parts, *, exact: bool) -> str:
    """Return the canonical request.

    Args:
        request: The request.
        parts: Its signature.
        exact: Take the query as it was sent (most clients sign just that); else
            decode and encode it by the book.
    """
    bucket = f"/{request.host.bucket}" if request.host.bucket else ""
    headers = [
        (name, value.strip())
        for name, value in sorted(request.headers.items())
        if name.startswith("x-oss-")
        or name in _DEFAULT_HEADERS
        or name in parts.additional
    ]
    return "\n".join(
        (
            request.method,
            percent_encoded(f"{bucket}{request.path}", safe="/"),
            _query(request, exact=exact),
            "".join(f"{name}:{value}\n" for name, value in headers),
            ";".join(parts.additional),
            request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        )
    )


def _query(request: Request, *, exact: bool) -> str:
    pairs = (
        [(k, v) for k, _, v in (p.partition("=") for p in request.raw_query.split("&"))]
        if exact
        else [(percent_encoded(k), percent_encoded(v)) for k, v in request.query]
    )
    kept = sorted(pair for pair in pairs if pair[0] not in {"", "x-oss-signature"})
    return "&".join(f"{key}={value}" if value else key for key, value in kept)
