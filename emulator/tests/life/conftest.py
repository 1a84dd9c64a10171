"""Captured answers of the real cloud, and an emulator to hold against them."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import pytest

from emulator.tests.support.emulator import RunningEmulator, emulator

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors.json").read_text(encoding="utf-8")
)


def vector(number: int) -> dict[str, Any]:
    """Return a captured answer."""
    found = VECTORS[number]
    assert found["id"] == number
    return found


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An answer as it came: header lines in their order, names in lower case."""

    status: int
    lines: list[tuple[str, str]]
    raw: bytes

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.lines)

    @property
    def body(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.raw)
        return document


class Caller:
    """Makes calls with nothing between them and the socket."""

    def __init__(self, cloud: RunningEmulator) -> None:
        self._proxy = urlsplit(cloud.proxy).netloc
        self.key, self.secret = cloud.keys

    def send(
        self,
        host: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
    ) -> Seen:
        """Send a request as it is, through the proxy."""
        connection = HTTPConnection(self._proxy, timeout=30)
        try:
            connection.request(
                method,
                f"http://{host}{target}",
                headers={"Host": host, **(headers or {})},
            )
            answer = connection.getresponse()
            lines = [(name.lower(), value) for name, value in answer.getheaders()]
            return Seen(status=answer.status, lines=lines, raw=answer.read())
        finally:
            connection.close()

    def call(self, host: str, action: str, version: str, **given: str) -> Seen:
        """Make an RPC call with the older signature."""
        secret = given.pop("secret", self.secret)
        params = {
            "Action": action,
            "Version": version,
            "Format": "JSON",
            "AccessKeyId": self.key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": str(uuid4()),
            "Timestamp": now(),
            **given,
        }
        mac = hmac.new(f"{secret}&".encode(), string_to_sign(params).encode(), sha1)
        params["Signature"] = b64encode(mac.digest()).decode()
        return self.send(host, f"/?{urlencode(params)}")


def now() -> str:
    """Return the time as signatures have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def string_to_sign(params: Mapping[str, str]) -> str:
    """Return what the older signature of a GET is made of."""
    pairs = [f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in params.items()]
    return f"GET&%2F&{quote('&'.join(sorted(pairs)), safe='~')}"


@pytest.fixture(scope="session")
def caller() -> Iterator[Caller]:
    with emulator("--profile", "fast") as cloud:
        yield Caller(cloud)
