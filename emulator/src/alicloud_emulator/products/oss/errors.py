"""Errors as object storage answers them: XML with EC, or a header on HEAD."""

from base64 import b64encode

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.refusals import refusal

# Codes that other parts of the emulator raise, under the names that OSS has for them.
_OWN_NAMES = {
    "NoPermission": ("AccessDenied", 403),
    "InvalidAccessKeyId.NotFound": ("InvalidAccessKeyId", 403),
    "MissingSecurityToken": ("InvalidAccessKeyId", 403),
    "InvalidSecurityToken.Expired": ("SecurityTokenExpired", 403),
    "InvalidSecurityToken.Malformed": ("InvalidSecurityToken", 403),
    "InvalidSecurityToken.MismatchWithAccessKey": ("InvalidSecurityToken", 403),
    "ServiceUnavailable": ("ServiceUnavailable", 503),
    "Throttling.User": ("QpsLimitExceeded", 503),
}
_OWN_WORDS = {
    "InvalidAccessKeyId.NotFound": (
        "The OSS Access Key Id you provided does not exist in our records."
    ),
    "InvalidSecurityToken.Expired": "The security token you provided has expired.",
}
_HEADERS = ("x-oss-", "ETag", "Content-MD5")
"""Beginnings of the fields of an error that are headers, and not in its body."""
# What is told of a refusal by RAM, in the order of Alibaba's example.
_DETAIL = (
    "PolicyType",
    "AuthPrincipalOwnerId",
    "AuthPrincipalType",
    "AuthPrincipalDisplayName",
    "NoPermissionType",
    "AuthAction",
)
# By the site an account is of. NOTE a guess that goes by what was seen: mainland hosts
# name the one, hosts abroad the other.
_ADVICE = "https://{}/troubleshoot?q={}"
_MAINLAND_SITE, _SITE_ABROAD = "api.aliyun.com", "api.alibabacloud.com"

# Besides those of the table above that are about keys and tokens.
_IDENTITY = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurityToken"}


def is_about_identity(error: Exception) -> bool:
    """Whether an error says that the signature is nobody's or wrong."""
    if not isinstance(error, ServiceError):
        return False
    return named(error)[0] in _IDENTITY


def named(error: ServiceError) -> tuple[str, int]:
    """Return an error's code and status under the names that OSS has for them."""
    return _OWN_NAMES.get(error.code, (error.code, error.status))


def response(request: Request, error: Exception, *, abroad: bool) -> Response:
    """Return the answer for an error; anything unforeseen is an InternalError.

    Args:
        request: What was asked for.
        error: Why it is refused.
        abroad: The host is not one of mainland China.
    """
    if not isinstance(error, ServiceError):
        error = ServiceError(
            "InternalError",
            500,
            "We encountered an internal error. Please try again.",
        )
    if error.code == "EntityTooLarge" and not error.ec:
        error = refusal("EntityTooLarge")  # whoever reads bodies knows no EC
    code, status = named(error)
    ec = error.ec or error.fields.get("EC", "")
    headers = {
        name: value for name, value in error.fields.items() if name.startswith(_HEADERS)
    }
    if ec:
        headers["x-oss-ec"] = ec
    if status == 304:
        return Response(status=status, headers=headers)
    body = _body(request, error, code, ec, _SITE_ABROAD if abroad else _MAINLAND_SITE)
    if request.method == "HEAD":
        headers["x-oss-err"] = b64encode(body).decode()
        return Response(status=status, headers=headers)
    headers["Content-Type"] = "application/xml"
    return Response(status=status, headers=headers, body=body)


def _body(
    request: Request, error: ServiceError, code: str, ec: str, site: str
) -> bytes:
    fields: list[xml.Node] = [
        ("Code", code),
        ("Message", _OWN_WORDS.get(error.code, error.message)),
        ("RequestId", request.request_id),
        ("HostId", request.headers.get("host") or request.host.name),
    ]
    fields += [
        (name, value)
        for name, value in error.fields.items()
        if name not in ("EC", *_DETAIL) and not name.startswith(_HEADERS)
    ]
    if detail := [(one, error.fields[one]) for one in _DETAIL if one in error.fields]:
        fields.append(("AccessDeniedDetail", detail))
    if ec:
        fields += [("EC", ec), ("RecommendDoc", _ADVICE.format(site, ec))]
    return xml.document(("Error", fields))
