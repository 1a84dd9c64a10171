"""OSS V2: HMAC-SHA256 over the whole query, in the header or in the URL.

Never documented in English, and still a choice in the older Python SDK, from which
the form is taken (oss2.AuthV2, read 2026-11).
"""

import hmac
from base64 import b64encode
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

_VERSION = "OSS2"


def in_header(request: Request) -> bool:
    """Whether the Authorization header is signed this way."""
    return request.headers.get("authorization", "").startswith(f"{_VERSION} ")


def in_query(request: Request) -> bool:
    """Whether the URL is presigned this way."""
    return request.param("x-oss-signature-version") == _VERSION


def read_header(request: Request, *, now: float) -> Claim:
    """Return what a signed header claims.

    Raises:
        ServiceError: The header is malformed, or stale.
    """
    header = request.headers["authorization"].removeprefix(f"{_VERSION} ")
    pairs = (field.partition(":") for field in header.split(","))
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    if not fields.get("AccessKeyId") or not fields.get("Signature"):
        raise oss_errors.malformed("Authorization")
    # Unlike in the other ways, Date is signed even where x-oss-date comes with it.
    date = request.headers.get("date", "") or request.headers.get("x-oss-date", "")
    moment = unix_time(date)
    if moment is None:
        raise oss_errors.malformed("Date")
    if abs(now - moment) > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    return _claim(
        request,
        access_key_id=fields["AccessKeyId"],
        token=request.headers.get("x-oss-security-token", ""),
        date=date,
        additional=fields.get("AdditionalHeaders", ""),
        signature=fields["Signature"],
    )


def read_query(request: Request, *, now: float) -> Claim:
    """Return what a presigned URL claims.

    Raises:
        ServiceError: It is malformed, or has expired.
    """
    expires = request.param("x-oss-expires")
    if not expires.isdecimal() or len(expires) > 12:
        raise oss_errors.malformed("x-oss-expires")
    if now > int(expires):
        raise oss_errors.expired(min(int(expires), 253_402_300_799), now)
    return _claim(
        request,
        access_key_id=request.param("x-oss-access-key-id"),
        token=request.param("security-token"),
        date=expires,
        additional=request.param("x-oss-additional-headers"),
        signature=request.param("x-oss-signature").replace(" ", "+"),
    )


def _claim(
    request: Request,
    *,
    access_key_id: str,
    token: str,
    date: str,
    additional: str,
    signature: str,
) -> Claim:
    names = tuple(sorted(filter(None, additional.lower().split(";"))))
    to_sign = _string_to_sign(request, date, names)

    def mismatch(secret: str) -> ServiceError | None:
        mac = hmac.new(secret.encode(), to_sign.encode("utf-8", "replace"), sha256)
        if same(b64encode(mac.digest()).decode(), signature):
            return None
        return oss_errors.mismatch(
            access_key_id,
            signature,
            to_sign,
            in_url="authorization" not in request.headers,
        )

    return Claim(
        way="oss-v2",
        access_key_id=access_key_id,
        security_token=token,
        mismatch=mismatch,
    )


def _string_to_sign(request: Request, date: str, names: tuple[str, ...]) -> str:
    headers = request.headers
    signed = "".join(
        f"{name}:{value.strip()}\n"
        for name, value in sorted(headers.items())
        if name.startswith("x-oss-") or name in names
    )
    bucket = f"/{request.host.bucket}" if request.host.bucket else ""
    pairs = sorted(
        (percent_encoded(key), percent_encoded(value))
        for key, value in request.query
        if key != "x-oss-signature"
    )
    query = "&".join(f"{key}={value}" if value else key for key, value in pairs)
    return "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            f"{signed}{';'.join(names)}",
            percent_encoded(f"{bucket}{request.path}") + (f"?{query}" if query else ""),
        )
    )
