"""OSS's own words for signatures it does not accept.

Source: OSS's error code pages (0002-000000xx, 0002-000002xx) and field reports; EC
codes marked there as seen are the real ones, a missing one is left out.
"""

from alicloud_emulator.front.signatures.claim import SKEW_S_MAX, iso_time
from alicloud_emulator.world.errors import ServiceError

_ECHOED_MAX = 1024
"""Characters of a request's own header that an answer repeats."""


def unknown_key(access_key_id: str) -> ServiceError:
    """Return the error for an access key that does not exist."""
    return ServiceError(
        "InvalidAccessKeyId",
        403,
        "The OSS Access Key Id you provided does not exist in our records.",
        ec="0002-00000902",
        fields={"OSSAccessKeyId": access_key_id},
    )


def bad_token(*, expired: bool) -> ServiceError:
    """Return the error for an STS token that is wrong or too old."""
    if expired:
        return ServiceError(
            "SecurityTokenExpired", 403, "The security token you provided has expired."
        )
    return ServiceError(
        "InvalidSecurityToken", 403, "The security token you provided is invalid."
    )


def mismatch(
    access_key_id: str,
    signature: str,
    string_to_sign: str,
    canonical_request: str = "",
    *,
    in_url: bool,
) -> ServiceError:
    """Return the error for a wrong signature; it shows what the server signed."""
    fields = {
        "OSSAccessKeyId": access_key_id,
        "SignatureProvided": signature,
        "StringToSign": string_to_sign,
        "StringToSignBytes": string_to_sign.encode("utf-8", "replace").hex(" ").upper(),
    }
    if canonical_request:
        fields["CanonicalRequest"] = canonical_request
    return ServiceError(
        "SignatureDoesNotMatch",
        403,
        "The request signature we calculated does not match the signature you"
        " provided. Check your key and signing method.",
        ec="0002-00000040" if in_url else "0002-00000201",
        fields=fields,
    )


def malformed(what: str, ec: str = "0002-00000062") -> ServiceError:
    """Return the error for a part of a signature that cannot be read."""
    return ServiceError(
        "InvalidArgument", 400, f"Invalid {what} in the signature.", ec=ec
    )


def unknown_scheme(authorization: str) -> ServiceError:
    """Return the error for an Authorization that is none of OSS's."""
    return ServiceError(
        "InvalidArgument",
        400,
        "Unsupported Authorization Type",
        ec="0002-00000002",
        fields={
            "ArgumentName": "Authorization",
            "ArgumentValue": authorization[:_ECHOED_MAX],
        },
    )


def bad_scope(part: str, authorization: str) -> ServiceError:
    """Return the error for a V4 scope of another region or product."""
    return ServiceError(
        "InvalidArgument",
        400,
        f"Invalid signing {part} in Authorization header.",
        ec={"region": "0002-00000226", "product": "0002-00000227"}[part],
        fields={"Authorization": authorization[:_ECHOED_MAX]},
    )


def bad_day() -> ServiceError:
    """Return the error for a V4 scope that is malformed or of another day."""
    return ServiceError(
        "InvalidArgument",
        400,
        "Invalid signing date in Authorization header.",
        ec="0002-00000212",
    )


def bad_day_in_url() -> ServiceError:
    """Return the same error for a presigned URL."""
    return ServiceError(
        "InvalidArgument",
        400,
        "The signing date in credential is invalid.",
        ec="0002-00000223",
    )


def bad_region_in_url() -> ServiceError:
    """Return the error for a presigned V4 URL of another region."""
    return ServiceError(
        "InvalidArgument",
        400,
        "The signing region in credential is invalid.",
        ec="0002-00000226",
    )


def dateless() -> ServiceError:
    """Return the error for a signed request that does not say when it was made."""
    return ServiceError(
        "AccessDenied",
        403,
        "OSS authentication requires a valid Date.",
        ec="0002-00000503",
    )


def chunk_mismatch(access_key_id: str, signature: str) -> ServiceError:
    """Return the error for a wrong signature of a chunk of a body."""
    return ServiceError(
        "SignatureDoesNotMatch",
        403,
        "The chunk signature we calculated does not match the signature you provided.",
        ec="0002-00000430",
        fields={"OSSAccessKeyId": access_key_id, "SignatureProvided": signature},
    )


def not_chunked_so() -> ServiceError:
    """Return the error for a body in chunks of another kind than OSS takes."""
    return ServiceError(
        "InvalidArgument",
        400,
        "aws-chunked encoding is not supported with the specified x-amz-content-sha256"
        " value.",
        ec="0017-00000804",
        fields={"ArgumentName": "Content-Encoding", "ArgumentValue": "aws-chunked"},
    )


def skewed(moment: float, now: float) -> ServiceError:
    """Return the error for a clock more than 15 minutes off."""
    return ServiceError(
        "RequestTimeTooSkewed",
        403,
        "The difference between the request time and the current time is too large.",
        ec="0002-00000504",
        fields={
            "MaxAllowedSkewMilliseconds": str(SKEW_S_MAX * 1000),
            "RequestTime": iso_time(moment),
            "ServerTime": iso_time(now),
        },
    )


def expired(at: float, now: float) -> ServiceError:
    """Return the error for a presigned URL past its time."""
    return ServiceError(
        "AccessDenied",
        403,
        "Request has expired.",
        ec="0002-00000069",
        fields={"Expires": iso_time(at), "ServerTime": iso_time(now)},
    )
