"""ACS3-HMAC-SHA256: the signature of today's RPC and ROA products.

Source: the V3 request structure and signature page; fact sheet 0.1. Messages as seen
in field reports.
"""

import hmac
import re
from hashlib import sha256

from alicloud_emulator.front.signatures.claim import (
    SKEW_S_MAX,
    Claim,
    SignedBody,
    canonical_query,
    same,
    unix_time,
)
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError

ALGORITHM = "ACS3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<key>[^,\s]{{1,256}}),\s*"
    r"SignedHeaders=(?P<headers>[^,\s]{1,8192}),\s*Signature=(?P<signature>[0-9a-fA-F]*)"
)


def is_meant(request: Request) -> bool:
    """Whether the request is signed this way (rightly or not)."""
    return request.headers.get("authorization", "").startswith("ACS3-")


def read(request: Request, *, now: float) -> Claim:
    """Return what the request claims.

    Args:
        request: The request.
        now: Unix time in seconds.

    Raises:
        ServiceError: The header is malformed, or the date stale.
    """
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        raise ServiceError(
            "IncompleteSignature",
            400,
            "The request signature does not conform to Aliyun standards.",
        )
    check_time(request.headers.get("x-acs-date", ""), now)
    names = match["headers"].lower().split(";")

    def mismatch(secret: str) -> ServiceError | None:
        to_sign = _string_to_sign(request, names).encode()
        expected = hmac.digest(secret.encode(), to_sign, "sha256").hex()
        return None if same(expected, match["signature"].lower()) else refusal()

    def refusal() -> ServiceError:
        return ServiceError(
            "SignatureDoesNotMatch",
            400,
            "Specified signature does not match our calculation. server StringToSign"
            f" is [{_string_to_sign(request, names)}] server CanonicalRequest is"
            f" [{_canonical_request(request, names)}]",
        )

    return Claim(
        way="acs3",
        access_key_id=match["key"],
        security_token=request.headers.get("x-acs-security-token", ""),
        nonce=request.headers.get("x-acs-signature-nonce", ""),
        mismatch=mismatch,
        body=SignedBody(
            sha256=request.headers.get("x-acs-content-sha256", "").lower(),
            refusal=refusal,
        ),
    )


def check_time(text: str, now: float) -> None:
    """Check a request's date.

    Raises:
        ServiceError: It is missing, malformed, or more than 15 minutes off.
    """
    moment = unix_time(text)
    if moment is None:
        raise ServiceError(
            "InvalidTimeStamp.Format",
            400,
            "Specified time stamp or date value is not well formatted.",
        )
    if abs(now - moment) > SKEW_S_MAX:
        raise ServiceError(
            "InvalidTimeStamp.Expired",
            400,
            "Specified time stamp or date value is expired.",
        )


def _string_to_sign(request: Request, names: list[str]) -> str:
    canonical = _canonical_request(request, names)
    return f"{ALGORITHM}\n{sha256(canonical.encode()).hexdigest()}"


def _canonical_request(request: Request, names: list[str]) -> str:
    headers = "".join(
        f"{name}:{request.headers.get(name, '').strip()}\n" for name in names
    )
    return "\n".join(
        (
            request.method,
            request.raw_path,
            canonical_query(request.query),
            headers,
            ";".join(names),
            request.headers.get("x-acs-content-sha256", ""),
        )
    )
