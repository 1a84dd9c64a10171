"""OSS V1: HMAC-SHA1, in the Authorization header or in the URL.

Source: the OSS V1 signature pages ("Include signatures in the Authorization header",
"Add signatures to URLs").
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

# Query parameters that belong to the signed resource: what oss2 and alibabacloud_oss_v2
# sign between them. (ali-oss signs every parameter that it sends.)
_SUBRESOURCES = frozenset(  # one word each
    """
    MetaQuery accessPoint accessPointPolicy acl append asyncFetch
    bucketArchiveDirectRead bucketInfo callback callback-var cleanRestoredObject cname
    comp continuation-token cors dataPipeline delete encryption endTime group
    httpsConfig inventory inventoryId legalHold lifecycle link live location logging
    metaQuery metadataConfiguration metadataInventoryTable metadataJournalTable
    objectInfo objectMeta objectWorm overwriteConfig partNumber policy position
    publicAccessBlock qos qosInfo qosRequester quota redundancyTransition referer
    regionList replication replicationLocation replicationProgress requestPayment
    requesterQosInfo resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo
    response-cache-control response-content-disposition response-content-encoding
    response-content-language response-content-type response-expires restore retention
    seal security-token sequential startTime stat status style styleName symlink tagging
    transferAcceleration uploadId uploads userDefinedLogFieldsConfig versionId
    versioning versions vod website worm wormExtend wormId
    """.split()  # noqa: SIM905 - a hundred strings, one a line, would hide the list
)
# Signed by one SDK and not by another; nothing documented says who is right.
_IN_DOUBT = frozenset(
    ("accessmonitor", "archiveDirectRead", "cloudboxes", "img", "policyStatus", "rtc")
)


def in_header(request: Request) -> bool:
    """Whether the Authorization header is signed this way."""
    return request.headers.get("authorization", "").startswith("OSS ")


def in_query(request: Request) -> bool:
    """Whether the URL is presigned this way."""
    return bool(request.param("OSSAccessKeyId"))


def read_header(request: Request, *, now: float) -> Claim:
    """Return what a signed header claims.

    Raises:
        ServiceError: The header is malformed, or stale.
    """
    credential = request.headers["authorization"].removeprefix("OSS ").strip()
    access_key_id, colon, signature = credential.partition(":")
    if not colon or not access_key_id:
        raise oss_errors.malformed("Authorization")
    date = request.headers.get("x-oss-date", "") or request.headers.get("date", "")
    moment = unix_time(date)
    if moment is None:
        raise oss_errors.dateless()
    if abs(now - moment) > SKEW_S_MAX:
        raise oss_errors.skewed(moment, now)
    token = request.headers.get("x-oss-security-token") or request.headers.get(
        "security-token", ""
    )
    # SDKs that send x-oss-date sign it in place of Date, or leave that line empty.
    dates = (date, "") if "x-oss-date" in request.headers else (date,)
    return _claim(request, access_key_id, token, signature, dates)


def read_query(request: Request, *, now: float) -> Claim:
    """Return what a presigned URL claims.

    Raises:
        ServiceError: It is malformed, or has expired.
    """
    expires, signature = request.param("Expires"), request.param("Signature")
    if not expires.isdecimal() or len(expires) > 15:
        raise oss_errors.malformed("Expires")
    if not signature:
        raise oss_errors.malformed("Signature")
    if now > int(expires):
        raise oss_errors.expired(min(int(expires), 253_402_300_799), now)
    token = request.param("security-token") or request.headers.get(
        "x-oss-security-token", ""
    )
    # A client that forgot to encode the signature turns "+" into a space.
    return _claim(
        request,
        request.param("OSSAccessKeyId"),
        token,
        signature.replace(" ", "+"),
        (expires,),
    )


def _claim(
    request: Request,
    access_key_id: str,
    token: str,
    signature: str,
    dates: tuple[str, ...],
) -> Claim:
    def mismatch(secret: str) -> ServiceError | None:
        tried = [
            _string_to_sign(request, date, names)
            for date in dates
            for names in (_SUBRESOURCES, _SUBRESOURCES | _IN_DOUBT)
        ]
        for to_sign in tried:
            mac = hmac.new(secret.encode(), to_sign.encode("utf-8", "replace"), sha1)
            if same(b64encode(mac.digest()).decode(), signature):
                return None
        return oss_errors.mismatch(
            access_key_id,
            signature,
            tried[0],
            in_url="authorization" not in request.headers,
        )

    return Claim(
        way="oss-v1",
        access_key_id=access_key_id,
        security_token=token,
        mismatch=mismatch,
    )


def _string_to_sign(request: Request, date: str, names: frozenset[str]) -> str:
    headers = request.headers
    oss_headers = "".join(
        f"{name}:{value.strip()}\n"
        for name, value in sorted(headers.items())
        if name.startswith("x-oss-")
    )
    return "\n".join(
        (
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            oss_headers + _resource(request, names),
        )
    )


def _resource(request: Request, names: frozenset[str]) -> str:
    bucket = f"/{request.host.bucket}" if request.host.bucket else ""
    named = sorted(
        (key, value)
        for key, value in request.query
        if key in names or key.startswith("x-oss-")
    )
    query = "&".join(f"{key}={value}" if value else key for key, value in named)
    return f"{bucket}{request.path}" + (f"?{query}" if query else "")
