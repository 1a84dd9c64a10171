"""Upload callbacks: once an object is stored, OSS tells a server, and its answer counts.

Only servers of this machine are told: the emulator lets nothing through to others, and
says of them what OSS says of a server that it cannot reach. The object is stored whatever
comes of it. NOTE callbacks are not signed: what they would be signed with is Alibaba's.

Source: https://www.alibabacloud.com/help/en/oss/developer-reference/callback; status 203
and its wordings were seen in life.
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

from anyio import to_thread

from alicloud_emulator.products.oss.call import Call
from alicloud_emulator.products.wire import Response
from alicloud_emulator.world.oss import StoredObject
from alicloud_emulator.world.oss.refusals import refusal

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_ANSWER_S_MAX = 5.0
_ANSWER_BYTES_MAX = 1024 * 1024
_URLS_MAX = 5
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_VARIABLE = re.compile(r"\$\{([^}]{1,128})\}")
_UNREACHABLE = (
    "Error status : -1. OSS can not connect to your callbackUrl, please check it."
)
_NOT_JSON = "Response body is not valid json format."


@dataclass(frozen=True, kw_only=True)
class Callback:
    """What a request wants to be told to whom.

    Attributes:
        urls: Servers, of which the first that answers counts.
        host: In place of theirs in the Host header, or "".
        body: What they are sent, with ``${variables}`` in it.
        kind: Its Content-Type.
        variables: The caller's own, by name with its ``x:``.
    """

    urls: tuple[str, ...]
    host: str
    body: str
    kind: str
    variables: Mapping[str, str]

    async def made(
        self, call: Call, stored: StoredObject, answer: Response
    ) -> Response:
        """Return the answer of the server that was told, with ``answer``'s headers.

        Raises:
            ServiceError: CallbackFailed (203).
        """
        text = self._filled(call, stored)
        problem = _UNREACHABLE
        for url in self.urls:
            status, body = await to_thread.run_sync(self._post, url, text, call.bucket)
            problem = f"Error status : {status}." if status else _UNREACHABLE
            if status == 200 and _is_json(body):
                headers = {**answer.headers, "Content-Type": _JSON}
                return Response(headers=headers, body=body)
            if status == 200:
                problem = _NOT_JSON
        raise refusal("CallbackFailed", problem, **_told_all_the_same(answer))

    def _filled(self, call: Call, stored: StoredObject) -> bytes:
        told: dict[str, str | int] = {
            "bucket": call.bucket,
            "object": stored.key,
            "etag": stored.etag,
            "size": stored.blob.size,
            "mimeType": stored.headers.get("content-type", ""),
            "crc64": str(stored.blob.crc64),
            "reqId": call.request.request_id,
            **self.variables,
        }

        def value(match: re.Match[str]) -> str:
            found = told.get(match[1], "")
            return (
                json.dumps(found) if self.kind == _JSON else quote(str(found), safe="")
            )

        return _VARIABLE.sub(value, self.body).encode()

    def _post(self, url: str, body: bytes, bucket: str) -> tuple[int, bytes]:
        """Return status and body of an answer; 0 for none."""
        # Loaded by who wants it: few do, and it brings the whole of ``email``.
        from http.client import HTTPConnection, HTTPException  # noqa: PLC0415

        try:
            parts = urlsplit(url)
            if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
                return 0, b""
            connection = HTTPConnection(
                parts.hostname, parts.port or 80, timeout=_ANSWER_S_MAX
            )
        except ValueError:  # no URL
            return 0, b""
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        headers = {
            "Host": self.host or parts.netloc,
            "Content-Type": self.kind,
            "User-Agent": "http-client/0.0.1",
            "x-oss-bucket": bucket,
        }
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(_ANSWER_BYTES_MAX)
        except (OSError, HTTPException, ValueError):
            return 0, b""
        finally:
            connection.close()


def _told_all_the_same(answer: Response) -> dict[str, str]:
    """Return the headers that tell of the object although the callback failed."""
    names = ("ETag", "x-oss-hash-crc64ecma", "Content-MD5", "x-oss-version-id")
    return {name: answer.headers[name] for name in names if name in answer.headers}


def asked(call: Call) -> Callback | None:
    """Return the callback that a request asks for in headers, query or form.

    Raises:
        ServiceError: InvalidArgument: it is not JSON in base64, or says too little.
    """
    if call.form is None:
        text = call.header("x-oss-callback") or call.param("callback")
        own = call.header("x-oss-callback-var") or call.param("callback-var")
        variables = _decoded(call, "callback-var", own) if own else {}
    else:
        text = call.header("callback")
        variables = {k: v for k, v in call.form.items() if k.startswith("x:")}
    if not text:
        return None
    told = _decoded(call, "callback", text)
    urls, body = told.get("callbackUrl"), told.get("callbackBody")
    kind = told.get("callbackBodyType", _FORM)
    if not isinstance(urls, str) or not isinstance(body, str):
        _refuse(call, "callback", text)
    if kind not in (_FORM, _JSON):
        _refuse(call, "callbackBodyType", str(kind))
    return Callback(
        urls=tuple(filter(None, urls.split(";")))[:_URLS_MAX],
        host=str(told.get("callbackHost", "")),
        body=body,
        kind=kind,
        variables={name: str(value) for name, value in variables.items()},
    )


def _decoded(call: Call, name: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        _refuse(call, name, text)
    return found


def _refuse(call: Call, name: str, value: str) -> NoReturn:
    call.bad_argument(name, value, "The callback configuration is not json format.")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
