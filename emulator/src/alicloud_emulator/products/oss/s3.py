"""The S3-compatible API: the same operations, under the names that S3's clients know.

Whoever signs as AWS does, comes to ``s3.oss-REGION.aliyuncs.com``, or sends
``x-oss-s3-compat: true`` is understood so, and answered so: headers are called
``x-amz-``, storage classes as in S3, ACLs are lists of grants.

Sources: https://www.alibabacloud.com/help/en/oss/developer-reference/compatibility-with-amazon-s3
(operations, canned ACLs, storage classes, ETags in upper case, virtual hosts only);
an answer's ``X-Amz-Request-Id`` in rclone/rclone#2401 (2018), ``x-oss-server-time``
beside it in s3tools/s3cmd#1286 (2022). NOTE guesses: the name
space of answers, that headers without a counterpart keep their names, ranges as HTTP
has them, a HeadBucket that GetBucketInfo's permission is for.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from alicloud_emulator.products.oss import xml
from alicloud_emulator.products.wire import Request, Response
from alicloud_emulator.world.oss.refusals import refusal

if TYPE_CHECKING:
    from alicloud_emulator.products.oss.call import Call

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_AWS, _OSS = "x-amz-", "x-oss-"
_META = "meta-"
_CLASSES = {"STANDARD": "Standard", "STANDARD_IA": "IA", "GLACIER": "Archive"}
_CLASSES_BACK = {ours: theirs for theirs, ours in _CLASSES.items()}

_REQUEST_HEADERS = (
    "copy-source",
    "copy-source-if-match",
    "copy-source-if-modified-since",
    "copy-source-if-none-match",
    "copy-source-if-unmodified-since",
    "copy-source-range",
    "metadata-directive",
    "request-payer",
    "server-side-encryption",
    "storage-class",
    "tagging",
    "tagging-directive",
)
"""Headers that are called alike but for their beginning."""
_RENAMED = {"server-side-encryption-aws-kms-key-id": "server-side-encryption-key-id"}
_ANSWER_HEADERS = frozenset(
    (
        *("copy-source-version-id", "delete-marker", "request-id", "restore"),
        *("server-side-encryption", "storage-class", "tagging-count", "version-id"),
    )
)
_RENAMED_BACK = {ours: theirs for theirs, ours in _RENAMED.items()}
_ETAGS = tuple(
    f"{prefix}{name}"
    for prefix in ("", "x-oss-copy-source-")
    for name in ("if-match", "if-none-match")
)

MISSING = frozenset(
    (
        *("accelerate", "analytics", "attributes", "intelligent-tiering"),
        *("legal-hold", "metrics", "notification", "object-lock", "ownershipControls"),
        *("retention", "torrent"),
    )
)
"""Sub-resources of S3 that OSS has not: never taken for the thing itself."""


def is_meant(request: Request) -> bool:
    """Whether a client speaks S3's language, signed rightly or not."""
    headers = request.headers
    return (
        request.host.s3
        or request.signature.startswith("aws")
        or headers.get("x-oss-s3-compat", "").lower() == "true"
        or headers.get("authorization", "").startswith("AWS")
        or any(
            name in ("X-Amz-Algorithm", "AWSAccessKeyId") for name, _ in request.query
        )
    )


def understand(request: Request) -> None:
    """Let a request say what it says in OSS's words; once is as good as twice."""
    if not is_meant(request):
        return
    headers = in_own_words(request.headers)
    acl = headers.pop("x-amz-acl", "")
    if acl:
        is_object = request.host.bucket and request.path.strip("/")
        headers["x-oss-object-acl" if is_object else "x-oss-acl"] = acl
    if "range" in headers:
        headers["x-oss-range-behavior"] = "standard"
    for name in _ETAGS:
        if name in headers:
            headers[name] = headers[name].upper()
    request.headers = headers


def in_own_words(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers, or fields of a form, under OSS's names."""
    return dict(_own(name, value) for name, value in headers.items())


def form(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form, and those of S3's under OSS's names, too.

    Its policy speaks of them as they were sent.
    """
    acl = fields.get("acl", "")
    is_meant = any(name in fields for name in ("x-amz-algorithm", "awsaccesskeyid"))
    own = {"x-oss-object-acl": acl} if acl and is_meant else {}
    return {**fields, **in_own_words(fields), **own}


def _own(name: str, value: str) -> tuple[str, str]:
    stem = name.removeprefix(_AWS)
    if stem == name:
        return name, value
    if stem == "storage-class":
        value = _CLASSES.get(value, value)
    elif stem == "server-side-encryption":
        value = value.replace("aws:kms", "KMS")
    stem = _RENAMED.get(stem, stem)
    if stem.startswith(_META) or stem in _REQUEST_HEADERS or stem in _RENAMED_BACK:
        return f"{_OSS}{stem}", value
    return name, value


def location(text: str) -> str:
    """Return where a bucket is wanted, as OSS spells it."""
    return text if text.startswith("oss-") or not text else f"oss-{text}"


def translate(response: Response, *, like: bool) -> Response:
    """Return an answer in S3's words.

    Args:
        response: The answer, which is changed.
        like: ETags are in lower case, as S3's.
    """
    response.headers = dict(_theirs(*header) for header in response.headers.items())
    if like and "ETag" in response.headers:
        response.headers["ETag"] = response.headers["ETag"].lower()
    response.has_id = False
    kind = response.headers.get("Content-Type", "")
    if kind == "application/xml" and isinstance(response.body, bytes):
        response.body = _document(response.body, like=like)
        if response.body:
            response.headers["Content-Length"] = str(len(response.body))
    return response


def _theirs(name: str, value: str) -> tuple[str, str]:
    stem = name.lower().removeprefix(_OSS)
    if stem == "storage-class":
        value = _CLASSES_BACK.get(value, value)
    elif stem == "server-side-encryption":
        value = value.replace("KMS", "aws:kms")
    stem = _RENAMED_BACK.get(stem, stem)
    if stem.startswith(_META) or stem in _ANSWER_HEADERS or stem in _RENAMED:
        return f"{_AWS}{stem}", value
    return name, value


_ROOT = re.compile(r"(\?>\n<)(\w+)")
_CLASS = re.compile(r"(?<=<StorageClass>)\w+(?=</StorageClass>)")
_ETAG = re.compile(r"(?<=<ETag>)[^<]+(?=</ETag>)")
_GRANT = re.compile(r"<Grant>([a-z-]+)</Grant>")
_OWNER = re.compile(r"<ID>([^<]*)</ID>")
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
_EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"
_OPEN = {"public-read": ("READ",), "public-read-write": ("READ", "WRITE")}


def _document(body: bytes, *, like: bool) -> bytes:
    """Return a document as S3's clients read it. What we write is regular enough."""
    text = body.decode()
    found = _ROOT.search(text)
    if found is None or found[2] == "Error":
        return body
    text = _ROOT.sub(rf'\1\2 xmlns="{NAMESPACE}"', text, count=1)
    text = _CLASS.sub(lambda match: _CLASSES_BACK.get(match[0], match[0]), text)
    if like:
        text = _ETAG.sub(lambda match: match[0].lower(), text)
    owner = _OWNER.search(text)
    if owner is not None:
        text = _GRANT.sub(lambda match: _grants(owner[1], match[1]), text)
    return text.encode()


def _grants(owner: str, acl: str) -> str:
    own = _grant("CanonicalUser", f"<ID>{owner}</ID>", "FULL_CONTROL")
    others = (
        _grant("Group", f"<URI>{_EVERYBODY}</URI>", permission)
        for permission in _OPEN.get(acl, ())
    )
    return own + "".join(others)


def _grant(kind: str, who: str, permission: str) -> str:
    return (
        f'<Grant><Grantee xmlns:xsi="{_SCHEMA}" xsi:type="{kind}">{who}</Grantee>'
        f"<Permission>{permission}</Permission></Grant>"
    )


async def asked_acl(call: "Call", name: str) -> str:
    """Return the ACL that a header asks for, or a list of grants in the body.

    Raises:
        ServiceError: MalformedXML; InvalidArgument: grants that no canned ACL makes.
    """
    if (acl := call.header(name)) or not is_meant(call.request):
        return acl
    root = await call.xml("AccessControlPolicy", optional=True)
    if not len(root):
        return ""
    everybody = {
        xml.text(grant, "Permission")
        for grant in root.iter("Grant")
        if xml.text(grant, "Grantee/URI") == _EVERYBODY
    }
    others = [grant for grant in root.iter("Grant") if not _is_known(grant)]
    by_grants = {frozenset[str](): "private"}
    by_grants |= {frozenset(grants): acl for acl, grants in _OPEN.items()}
    if others or frozenset(everybody) not in by_grants:
        raise refusal("InvalidArgument", "no such ACL here", ArgumentName="Grant")
    return by_grants[frozenset(everybody)]


def _is_known(grant: Element) -> bool:
    """Whether a grant is the owner's, or everybody's."""
    uri = xml.text(grant, "Grantee/URI")
    return uri == _EVERYBODY or (
        not uri and xml.text(grant, "Permission") == "FULL_CONTROL"
    )
