"""Servers that are told of uploads."""

import json
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from emulator.tests.support.oss_refused import FORM_TYPE, OPEN_POLICY, form
from emulator.tests.unit.oss.conftest import Answer, Cloud


class Server(HTTPServer):
    """A server that keeps what it is told.

    Attributes:
        told: Requests, as headers and body.
        answer: Status and body of its answers.
    """

    told: list[tuple[dict[str, str], str]]
    answer: tuple[int, bytes]

    def callback(self, body: str, **more: Any) -> str:
        """Return a callback to this server, as requests have it."""
        url = f"http://127.0.0.1:{self.server_port}/told?a=1"
        return encoded({"callbackUrl": url, "callbackBody": body, **more})


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.told.append((dict(self.headers), body))
        status, answer = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def encoded(document: Any) -> str:
    return b64encode(json.dumps(document).encode()).decode()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.told, made.answer = [], (200, b'{"a": 1}')
    thread = Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def pail(cloud: Cloud) -> Cloud:
    cloud.call("PUT", "pail")
    return cloud


def put(cloud: Cloud, callback: str, **headers: str) -> Answer:
    sent = {"x-oss-callback": callback, "content-type": "text/plain", **headers}
    return cloud.call("PUT", "pail/k", b"text", headers=sent)


def test_a_server_is_told_and_its_answer_is_the_answer(
    pail: Cloud, server: Server
) -> None:
    body = (
        "b=${bucket}&o=${object}&s=${size}&m=${mimeType}&v=${x:v}&n=${imageInfo.width}"
    )
    own = {"x-oss-callback-var": encoded({"x:v": "a b"})}
    answer = put(pail, server.callback(body, callbackHost="a.example"), **own)
    assert (answer.status, answer.body) == (200, b'{"a": 1}')
    assert answer.headers["content-type"] == "application/json"
    assert "etag" in answer.headers
    ((headers, told),) = server.told
    assert told == "b=pail&o=k&s=4&m=text%2Fplain&v=a%20b&n="
    assert headers["Host"] == "a.example"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["x-oss-bucket"] == "pail"


def test_json_is_told_as_json(pail: Cloud, server: Server) -> None:
    body = '{"o": ${object}, "s": ${size}}'
    put(pail, server.callback(body, callbackBodyType="application/json"))
    ((_, told),) = server.told
    assert json.loads(told) == {"o": "k", "s": 4}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"<html>"), "Response body is not valid json format."),
        ((502, b"{}"), "Error status : 502."),
    ],
)
def test_a_callback_that_fails_says_so_and_the_object_is_there(
    pail: Cloud, server: Server, answer: tuple[int, bytes], message: str
) -> None:
    server.answer = answer
    failed = put(pail, server.callback("a"))
    assert (failed.status, failed.text("Code")) == (203, "CallbackFailed")
    assert failed.text("Message") == message
    assert pail.call("GET", "pail/k").body == b"text"


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "https://localhost/",
        "http://127.0.0.1:9/",
        "x",
        "",
        "http://localhost:99999/",
        "http://[::1",
        "http://localhost/\n",
    ],
)
def test_nobody_elses_server_is_reached(pail: Cloud, url: str) -> None:
    failed = put(pail, encoded({"callbackUrl": url, "callbackBody": "a"}))
    assert (failed.status, failed.text("Code")) == (203, "CallbackFailed")
    assert "can not connect to your callbackUrl" in (failed.text("Message") or "")


def test_the_next_server_is_told_where_one_fails(pail: Cloud, server: Server) -> None:
    url = f"http://127.0.0.1:9/;http://127.0.0.1:{server.server_port}"
    answer = put(pail, encoded({"callbackUrl": url, "callbackBody": "a"}))
    assert answer.status == 200
    assert [told for _, told in server.told] == ["a"]


def test_other_uploads_are_told_of_as_well(pail: Cloud, server: Server) -> None:
    callback = server.callback("${object} ${x:v}")
    own = encoded({"x:v": "1"})
    answer = pail.call("PUT", f"pail/url?callback={callback}&callback-var={own}", b"x")
    assert answer.body == b'{"a": 1}'
    upload = pail.call("POST", "pail/parts?uploads").text("UploadId")
    pail.call("PUT", f"pail/parts?uploadId={upload}&partNumber=1", b"x")
    headers = {"x-oss-callback": callback, "x-oss-complete-all": "yes"}
    answer = pail.call("POST", f"pail/parts?uploadId={upload}", headers=headers)
    assert answer.body == b'{"a": 1}'
    body = form(OPEN_POLICY, callback=callback, **{"x:v": "2"})
    answer = pail.call("POST", "pail", body, headers=FORM_TYPE, caller=None)
    assert answer.body == b'{"a": 1}'
    assert [told for _, told in server.told] == ["url 1", "parts ", "new 2"]


@pytest.mark.parametrize(
    "callback",
    [
        "{",
        encoded([]),
        encoded({"callbackUrl": "a"}),
        encoded({"callbackUrl": 1, "callbackBody": "a"}),
        encoded({"callbackUrl": "a", "callbackBody": "a", "callbackBodyType": "b"}),
    ],
)
def test_what_is_no_callback_is_refused_and_nothing_stored(
    pail: Cloud, callback: str
) -> None:
    answer = put(pail, callback)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert pail.call("HEAD", "pail/k").status == 404
