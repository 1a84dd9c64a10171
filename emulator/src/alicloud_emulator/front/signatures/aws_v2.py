"""AWS's signature of old, HMAC-SHA1: in the Authorization header or in the URL.

OSS documents it for boto3 (``signature_version="s3"``), whose other signature it does
not take in whole.

Sources: AWS's "Signing and authenticating REST requests"; OSS's "Access OSS using AWS
SDKs"; what boto3 and s3cmd sign.
"""

import hmac
from base64 import b64encode
from hashlib import sha1

from alicloud_emulator.front.signatures import oss_errors
from alicloud_emulator.front.signatures.claim import (
    SKEW_S_MAX,
    Claim,
    same,
    unix_time,
)
from alicloud_emulator.products.wire import Request
from alicloud_emulator.world.errors import ServiceError

# Query parameters that belong to the signed resource.
_SUBRESOURCES = frozenset(  # one word each
    """
    accelerate acl analytics cors defaultObjectAcl delete encryption inventory lifecycle
    location logging metrics notification object-lock partNumber policy policyStatus
    publicAccessBlock replication requestPayment response-cache-control
    response-content-disposition response-content-encoding response-content-language
    response-content-type response-expires restore select select-type storageClass tagging
    torrent uploadId uploads versionId versioning versions website
    """.split()  # noqa: SIM905 - a list of strings, one a line, would hide it
)


def in_header(request: Request) -> bool:
    """Whether the Authorization header is signed this way."""
    return request.headers.get("authorization", "").startswith("AWS ")


def in_query(request: Request) -> bool:
    """Whether the URL is presigned this way."""
    return bool(request.param("AWSAccessKeyId"))


def read(request: Request, *, now: float) -> Claim:
    """Return what a request claims, in its header or in its URL.

    Raises:
        ServiceError: It is malformed, stale, or has expired.
    """
    return (_in_header if in_header(request) else _in_query)(request, now=now)


def _in_header(request: Request, *, now: float) -> Claim:
    credential = request.headers["authorization"].removeprefix("AWS ").strip()
    access_key_id, colon, signature = credential.partition(":")
    if not colon or not access_key_id:
        raise oss_errors.malformed("Authorization")
    stamp = request.headers.get("x-amz-date", "")
    date = request.headers.get("date", "")
    moment = unix_time(stamp or date)
    if moment is None:
        raise oss_errors.dateless()
    if abs(now - moment) > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    return _claim(
        request,
        access_key_id=access_key_id,
        token=request.headers.get("x-amz-security-token", ""),
        signature=signature,
        # x-amz-date is among the other headers, and stands for Date.
        date="" if stamp else date,
    )


def _in_query(request: Request, *, now: float) -> Claim:
    expires = request.param("Expires")
    if not expires.isdecimal() or len(expires) > 12:
        raise oss_errors.malformed("Expires")
    if now > int(expires):
        raise oss_errors.expired(min(int(expires), 253_402_300_799), now)
    return _claim(
        request,
        access_key_id=request.param("AWSAccessKeyId"),
        token=request.param("x-amz-security-token"),
        # A client that forgot to encode the signature turns "+" into a space.
        signature=request.param("Signature").replace(" ", "+"),
        date=expires,
    )


def _claim(
    request: Request, *, access_key_id: str, token: str, signature: str, date: str
) -> Claim:
    def mismatch(secret: str) -> ServiceError | None:
        tried = [_string_to_sign(request, date, path) for path in _paths(request)]
        for to_sign in tried:
            mac = hmac.new(secret.encode(), to_sign.encode("utf-8", "replace"), sha1)
            if same(b64encode(mac.digest()).decode(), signature):
                return None
        in_url = "authorization" not in request.headers
        return oss_errors.mismatch(access_key_id, signature, tried[0], in_url=in_url)

    return Claim(
        way="aws-v2",
        access_key_id=access_key_id,
        security_token=token,
        mismatch=mismatch,
    )


def _string_to_sign(request: Request, date: str, path: str) -> str:
    headers = request.headers
    # Of a URL, what is in its query counts as if it were in a header.
    named = {k.lower(): v for k, v in request.query if k.lower().startswith("x-amz-")}
    named |= {k: v for k, v in headers.items() if k.startswith("x-amz-")}
    amz = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(named.items()))
    return "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            amz + path + _query(request),
        )
    )


def _paths(request: Request) -> tuple[str, ...]:
    """Return how the bucket and the key may have been signed."""
    host = request.host
    bucket = f"/{host.bucket}" if host.bucket and not host.prefix else ""
    path = f"{bucket}{request.raw_path}"
    # Of a bucket in a path, some sign it with a slash at its end, sent or not.
    return (path, f"{path}/") if path.count("/") == 1 and path != "/" else (path,)


def _query(request: Request) -> str:
    named = sorted(pair for pair in request.query if pair[0] in _SUBRESOURCES)
    query = "&".join(f"{key}={value}" if value else key for key, value in named)
    return f"?{query}" if query else ""
