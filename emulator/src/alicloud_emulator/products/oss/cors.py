"""What browsers ask and are told: rules that let pages of other sites in.

Sources: https://www.alibabacloud.com/help/en/oss/developer-reference/options, and
putbucketcors and http-400-status-code beside it. Real answers, in
https://github.com/ali-sdk/ali-oss/issues/310 and in the tests of the official SDKs, have
every method of the rule, in its order, and a Max-Age of 0 where the rule has none.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.oss import Bucket
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.wildcard import matches

_ROOT = "CORSConfiguration"
_NEEDED = "Insufficient information. {} header needed."
_NOT_ENABLED = "CORSResponse: CORS is not enabled for this bucket."


async def option_object(call: Call) -> Response:
    """OptionObject: may a page of that origin make such a request? Nobody signs it."""
    bucket = call.world.oss.gate.find(call.visit, call.bucket)
    origin = call.header("origin")
    method = call.header("access-control-request-method").upper()
    if not origin:
        raise refusal("BadRequest", _NEEDED.format("Origin request"))
    if not method:
        name = "Request Access-Control-Request-Method"
        raise refusal("BadRequest", _NEEDED.format(name))
    wanted = call.header("access-control-request-headers").split(",")
    names = [name.strip() for name in wanted if name.strip()]
    rule = _rule(bucket, origin, method, names)
    if rule is None:
        message = "" if bucket.settings.get("cors") else _NOT_ENABLED
        raise refusal("AccessForbidden", message)
    headers = _headers(rule, origin)
    allowed = dict.fromkeys(_texts(rule, "AllowedMethod"))
    headers["Access-Control-Allow-Methods"] = ", ".join(allowed)
    if names:
        headers["Access-Control-Allow-Headers"] = ", ".join(names)
    headers["Access-Control-Max-Age"] = xml.text(rule, "MaxAgeSeconds", "0").strip()
    return Response(headers=headers)


def headers_for_pages(request: Request, bucket: Bucket | None) -> dict[str, str]:
    """Return what any answer says besides: may pages of other sites read it?

    Refusals say so, too: a rule is matched with the request, whatever comes of it.
    """
    if bucket is None or (root := _configuration(bucket)) is None:
        return {}
    told = {"Vary": "Origin"} if xml.text(root, "ResponseVary") == "true" else {}
    origin = request.headers.get("origin", "")
    if origin and request.method != "OPTIONS":
        rule = _rule(bucket, origin, request.method, ())
        told |= {} if rule is None else _headers(rule, origin)
    return told


def _configuration(bucket: Bucket) -> Element | None:
    kept = bucket.settings.get("cors")
    return xml.parse(kept.encode(), _ROOT) if kept else None


def _rule(
    bucket: Bucket, origin: str, method: str, names: Iterable[str]
) -> Element | None:
    """Return the first rule that allows a request, or None.

    Names of headers match whatever their letter case.
    """
    root = _configuration(bucket)
    if root is None or not origin:
        return None
    wanted = [name.lower() for name in names]
    for rule in root.findall("CORSRule"):
        allowed = [name.lower() for name in _texts(rule, "AllowedHeader")]
        if (
            any(matches(one, origin) for one in _texts(rule, "AllowedOrigin"))
            and method in _texts(rule, "AllowedMethod")
            and all(any(matches(one, name) for one in allowed) for name in wanted)
        ):
            return rule
    return None


def _headers(rule: Element, origin: str) -> dict[str, str]:
    everybody = "*" in _texts(rule, "AllowedOrigin")
    told = {"Access-Control-Allow-Origin": "*" if everybody else origin}
    if exposed := _texts(rule, "ExposeHeader"):
        told["Access-Control-Expose-Headers"] = ", ".join(exposed)
    return told


def _texts(rule: Element, name: str) -> list[str]:
    return [xml.text(one, ".") for one in rule.findall(name)]
