"""PostObject: uploads by HTML form, whose policy is signed in place of the request.

S3's clients sign theirs in their own ways, and their fields have their own names.

Sources: https://www.alibabacloud.com/help/en/oss/developer-reference/postobject and
signature-version-4-recommend beside it; the pages of the ECs 0006-00000004 to -224;
answers seen in 2026 (status 204, or 200 where the form asks for it).
"""

import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha1, sha256
from typing import Any
from urllib.parse import quote

from alicloud_emulator.products.oss import callbacks, s3
from alicloud_emulator.products.oss.call import Call, answer, etag_header
from alicloud_emulator.products.oss.objects import checksum_headers, written_attributes
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.errors import ServiceError
from alicloud_emulator.world.oss.refusals import refusal
from alicloud_emulator.world.oss.signing import (
    ALGORITHM,
    AWS_TERMINAL,
    TERMINAL,
    aws_signing_key,
    signing_key,
)

_BOUNDARY = re.compile(r'boundary="?([^";]{1,200})"?')
_NAME = re.compile(r'; *name="([^"]*)"', re.IGNORECASE)
_FILENAME = re.compile(r'; *filename="([^"]*)"', re.IGNORECASE)
_PART_HEAD_BYTES_MAX = 8 * 1024
# NOTE a guess: the reference gives no length for a field.
_FIELD_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 100
_STATUSES = {"200": 200, "201": 201}
_UNSIGNED = (
    "Bucket POST must contain a field named '{}'. "
    "If it is specified, please check the order of the fields."
)
_UNSIGNED_EC = "0002-00000703"
_NO_KEY = _UNSIGNED.format("key")


async def post_object(call: Call) -> Response:
    """PostObject: fields first, then who may, then the bytes of the file."""
    form = _Form(call)
    fields = await form.fields()
    call = replace(call, form=s3.form(fields))
    callback = callbacks.asked(call)
    policy = _policy(call)
    _sign(call)
    limits = _check(call, policy) if policy else (0, None)
    key = call.header("key").replace("${filename}", form.filename)
    if not key:
        call.bad_argument("key", "", _NO_KEY)
    attributes = written_attributes(call)
    if content_type := call.header("x-oss-content-type") or form.content_type:
        kept = {**attributes.headers, "content-type": content_type}
        attributes = replace(attributes, headers=kept)
    objects = call.world.oss.objects
    objects.check_put(call.visit, call.bucket, key, attributes)
    blob = await call.take_in(form.file())
    _check_size(blob.size, limits)
    stored = objects.put(call.visit, call.bucket, key, blob, attributes)
    headers = checksum_headers(stored)
    if callback is not None:
        return await callback.made(call, stored, Response(headers=headers))
    return _answer(call, key, headers, etag_header(stored.etag))


def _answer(call: Call, key: str, headers: dict[str, str], etag: str) -> Response:
    if redirect := call.header("success_action_redirect"):
        told = f"bucket={call.bucket}&key={quote(key)}&etag={quote(etag)}"
        mark = "&" if "?" in redirect else "?"
        return Response(
            status=303, headers={**headers, "Location": redirect + mark + told}
        )
    status = _STATUSES.get(call.header("success_action_status"), 204)
    if status != 201:
        return Response(status=status, headers=headers)
    location = f"{call.request.base_url}/{quote(key)}"
    body = answer(
        "PostResponse",
        [("Bucket", call.bucket), ("ETag", etag), ("Key", key), ("Location", location)],
        status,
    )
    return Response(status=status, headers=headers | body.headers, body=body.body)


class _Form:
    """A body of ``multipart/form-data``, read up to the file, which is its last field.

    Attributes:
        filename: As the file's part names it.
        content_type: Of the file's part, or "".
    """

    def __init__(self, call: Call) -> None:
        kind = call.request.headers.get("content-type", "")
        found = _BOUNDARY.search(kind)
        if not kind.lower().startswith("multipart/form-data") or found is None:
            raise refusal("RequestIsNotMultiPartContent")
        self._mark = b"\r\n--" + found[1].encode()
        self._blocks = aiter(call.request.body)
        # As if a line had ended before the first mark, which every other follows.
        self._read = b"\r\n"
        self.filename = ""
        self.content_type = ""

    async def fields(self) -> dict[str, str]:
        """Return the fields before the file, names in lower case.

        Raises:
            ServiceError: MalformedPOSTRequest, FieldItemTooLong,
                IncorrectNumberOfFilesInPOSTRequest: no file.
        """
        fields: dict[str, str] = {}
        await self._until(self._mark, _PART_HEAD_BYTES_MAX)
        while len(fields) < _FIELDS_MAX:
            if await self._take(2) != b"\r\n":
                raise refusal("IncorrectNumberOfFilesInPOSTRequest")
            self._read = b"\r\n" + self._read  # a part may have no headers at all
            raw = await self._until(b"\r\n\r\n", _PART_HEAD_BYTES_MAX)
            head = raw.decode("utf-8", "replace")
            name = _NAME.search(head)
            if name is None:
                raise refusal("MalformedPOSTRequest")
            if name[1].lower() == "file":
                self._describe(head)
                return fields
            value = await self._until(self._mark, _FIELD_BYTES_MAX, "FieldItemTooLong")
            fields[name[1].lower()] = value.decode("utf-8", "replace")
        raise refusal("MalformedPOSTRequest")

    def _describe(self, head: str) -> None:
        filename = _FILENAME.search(head)
        self.filename = filename[1].rpartition("/")[2] if filename else ""
        for line in head.split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip().lower() == "content-type":
                self.content_type = value.strip()

    async def file(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes; what comes after it is not looked at.

        Raises:
            ServiceError: MalformedPOSTRequest: the body ends within it.
        """
        while (at := self._read.find(self._mark)) < 0:
            # The mark may have begun.
            sure = max(0, len(self._read) - len(self._mark) + 1)
            block, self._read = self._read[:sure], self._read[sure:]
            if block:
                yield block
            await self._more()
        yield self._read[:at]
        self._read = b""
        async for _ in self._blocks:
            pass

    async def _until(
        self, mark: bytes, most: int, too_long: str = "MalformedPOSTRequest"
    ) -> bytes:
        """Return what comes before a mark, and leave both behind."""
        while (at := self._read.find(mark)) < 0:
            if len(self._read) > most:
                raise refusal(too_long)
            await self._more()
        found, self._read = self._read[:at], self._read[at + len(mark) :]
        return found

    async def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            await self._more()
        found, self._read = self._read[:size], self._read[size:]
        return found

    async def _more(self) -> None:
        try:
            self._read += await anext(self._blocks)
        except StopAsyncIteration:
            raise refusal("MalformedPOSTRequest") from None


@dataclass(frozen=True, kw_only=True)
class _Policy:
    """What a form's signer allows; ``expires`` in Unix seconds."""

    expires: float
    conditions: list[Any]


def _policy(call: Call) -> _Policy | None:
    """Return the policy of the form; None where there is none: nobody signed it.

    Raises:
        ServiceError: InvalidPolicyDocument.
    """
    if not (text := call.header("policy")):
        return None
    try:
        document = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError) as error:
        raise _invalid("it is not JSON in base64.") from error
    if not isinstance(document, dict):
        raise _invalid("it is no object.")
    for name, ec in (("expiration", "208"), ("conditions", "207")):
        if name not in document:
            raise _invalid(f"it has no {name}.", ec)
    try:
        expires = datetime.fromisoformat(str(document["expiration"])).timestamp()
    except (ValueError, OverflowError) as error:
        raise _invalid("its expiration is no time.") from error
    conditions = document["conditions"]
    if not isinstance(conditions, list) or not conditions:
        raise _invalid("it has an empty list of conditions.", "215")
    return _Policy(expires=expires, conditions=conditions)


def _invalid(why: str, ec: str = "213") -> ServiceError:
    """Return the error for a policy; only the codes of the wordings are known."""
    ec = f"0006-00000{ec}"
    return refusal("InvalidPolicyDocument", f"Invalid Policy: {why}", ec=ec)


@dataclass(frozen=True, kw_only=True)
class _Signed:
    """How a form is signed.

    Attributes:
        expected: Given the secret, returns what the signature has to be.
    """

    way: str
    access_key_id: str
    signature: str
    token: str = ""
    expected: Callable[[str], str]


def _sign(call: Call) -> None:
    """Find out who signed the policy, and say so in the request.

    Raises:
        ServiceError: Nobody did as it should be.
    """
    signed = _signed(call)
    if signed is None:
        return
    for name, value in (
        ("OSSAccessKeyId", signed.access_key_id),
        ("Signature", signed.signature),
    ):
        if not value:
            raise refusal("InvalidArgument", _UNSIGNED.format(name), ec=_UNSIGNED_EC)
    credential = call.world.ram.credential(signed.access_key_id, signed.token)
    expected = signed.expected(credential.secret)
    if not hmac.compare_digest(expected.encode(), signed.signature.encode()):
        raise refusal("SignatureDoesNotMatch", OSSAccessKeyId=signed.access_key_id)
    key_id = signed.access_key_id
    call.request.caller = replace(credential.caller, access_key_id=key_id)
    call.request.signature = signed.way


def _signed(call: Call) -> _Signed | None:
    """Return how a form says that it is signed; None where it does not.

    Raises:
        ServiceError: InvalidArgument.
    """
    version = call.header("x-oss-signature-version")
    if call.header("x-amz-algorithm"):
        return _signed_v4(call, "x-amz-", "aws-v4", aws_signing_key)
    if version == ALGORITHM:
        return _signed_v4(call, "x-oss-", "oss-v4", _own_key)
    if version:
        call.bad_argument("x-oss-signature-version", version)
    for way, name in (("oss-v1", "ossaccesskeyid"), ("aws-v2", "awsaccesskeyid")):
        if call.header(name):
            return _signed_v1(call, way, call.header(name))
    if call.header("policy") or call.header("signature"):
        return _signed_v1(call, "oss-v1", "")
    return None


def _signed_v1(call: Call, way: str, key_id: str) -> _Signed:
    def expected(secret: str) -> str:
        mac = hmac.new(secret.encode(), call.header("policy").encode(), sha1)
        return b64encode(mac.digest()).decode()

    return _Signed(
        way=way,
        access_key_id=key_id,
        signature=call.header("signature"),
        token=call.header("x-oss-security-token")
        or call.header("x-amz-security-token"),
        expected=expected,
    )


def _signed_v4(
    call: Call,
    prefix: str,
    way: str,
    signing_key: Callable[[str, str, str, str], bytes],
) -> _Signed:
    """Read a signature of version 4: OSS's, or that of S3's clients."""
    name = f"{prefix}credential"
    fields = call.header(name).rsplit("/", 4)
    if len(fields) != 5 or fields[3:] != _SCOPES[way]:
        call.bad_argument(name, call.header(name))
    key_id, day, region, service, _ = fields
    if call.header(f"{prefix}date")[:8] != day:
        call.bad_argument(f"{prefix}date", call.header(f"{prefix}date"))

    def expected(secret: str) -> str:
        key = signing_key(secret, day, region, service)
        return hmac.new(key, call.header("policy").encode(), sha256).hexdigest()

    return _Signed(
        way=way,
        access_key_id=key_id,
        signature=call.header(f"{prefix}signature"),
        token=call.header(f"{prefix}security-token"),
        expected=expected,
    )


_SCOPES = {"oss-v4": ["oss", TERMINAL], "aws-v4": ["s3", AWS_TERMINAL]}


def _own_key(secret: str, day: str, region: str, _service: str) -> bytes:
    return signing_key(secret, day, region)


_Limits = tuple[int, int | None]


def _check(call: Call, policy: _Policy) -> _Limits:
    """Hold the form to its policy, and return the least and greatest size of the file.

    Raises:
        ServiceError: AccessDenied: it has expired, or a field is not as it should be;
            InvalidPolicyDocument.
    """
    if call.world.wall() > policy.expires:
        raise _against("Policy expired.")
    limits: _Limits = (0, None)
    for condition in policy.conditions:
        if isinstance(condition, dict):
            if len(condition) != 1:
                raise _invalid(
                    "Invalid Simple-Condition: Simple-Conditions must have exactly one "
                    "property specified."
                )
            ((name, value),) = condition.items()
            _check_field(call, ["eq", f"${name}", value])
        elif condition and condition[0] == "content-length-range":
            limits = _range(condition)
        else:
            _check_field(call, condition)
    return limits


def _check_field(call: Call, condition: Any) -> None:
    if not isinstance(condition, list) or len(condition) != 3:
        raise _invalid("a condition has no matching mode.", "216")
    mode, field, wanted = condition
    if mode not in ("eq", "starts-with", "in", "not-in") or not isinstance(field, str):
        raise _invalid("a condition has no matching mode.", "216")
    if isinstance(wanted, list) is not mode.endswith("in"):
        raise _invalid("a condition's value is of the wrong type.", "224")
    name = field.removeprefix("$").lower()
    given = {**(call.form or {}), "bucket": call.bucket}
    value = given.get(name, "")
    matched = {
        "eq": value == wanted,
        "starts-with": value.startswith(str(wanted)),
        "in": mode == "in" and value in wanted,
        "not-in": mode == "not-in" and value not in wanted,
    }
    if not matched[mode]:
        raise _against(f"Policy Condition failed: {json.dumps(condition)}")


def _range(condition: list[Any]) -> _Limits:
    whole = all(type(one) is int and one >= 0 for one in condition[1:])
    if len(condition) != 3 or not whole or condition[1] > condition[2]:
        raise _invalid("a content-length-range has no two sizes in order.", "221")
    return condition[1], condition[2]


def _check_size(size: int, limits: _Limits) -> None:
    least, most = limits
    told: Mapping[str, str] = {"ProposedSize": str(size)}
    if size < least:
        raise refusal("EntityTooSmall", ec=_SIZE_EC, MinSizeAllowed=str(least), **told)
    if most is not None and size > most:
        raise refusal("EntityTooLarge", ec=_SIZE_EC, MaxSizeAllowed=str(most), **told)


_SIZE_EC = "0006-00000004"


def _against(why: str) -> ServiceError:
    return refusal("AccessDenied", f"Invalid according to Policy: {why}", ec="")
