"""The relay function itself, against real HTTPS servers."""

import ast
import base64
import json
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ali_import.relay import handler as relay
from ali_import.relay.handler import RelayError, frame, handler, unframe
from tests.unit.sdk.far_side import FarSide, Reply, Seen

REGION = "cn-hangzhou"
HOST = f"b-1.oss-{REGION}-internal.aliyuncs.com"
SOURCES = [f"https://s-{n}.oss-eu-west-{n}.aliyuncs.com/k?sig={n}" for n in (1, 2, 3)]
CONTEXT = SimpleNamespace(region=REGION)
DATA = bytes(range(256)) * 16384
SIZE = len(DATA)  # 4 MiB, so four blocks


def request(**changes: Any) -> dict[str, Any]:
    return {
        "method": "PUT",
        "url": f"https://{HOST}/k?x=1",
        "headers": [["Authorization", "OSS4 x"], ["x-oss-date", "d"]],
        "deadline_s": 20,
        "fetch": None,
        **changes,
    }


def fetch(offset: int = 0, length: Any = SIZE, **changes: Any) -> dict[str, Any]:
    wanted = {"urls": SOURCES, "offset": offset, "length": length, **changes}
    return request(fetch=wanted)


def run(header: dict[str, Any], body: bytes = b"", context: Any = CONTEXT) -> Any:
    answer = handler(frame(header, body), context)
    assert isinstance(answer, str)
    return json.loads(answer)


def refusal(header: dict[str, Any], body: bytes = b"", context: Any = CONTEXT) -> str:
    answer = run(header, body, context)
    assert answer["error"]["kind"] == "refused", answer
    return str(answer["error"]["detail"])


# --- the frame -----------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), json_values), st.binary(max_size=500))
def test_what_is_framed_is_what_is_unframed(
    header: dict[str, Any], body: bytes
) -> None:
    found, rest = unframe(frame(header, body))
    assert found == header
    assert bytes(rest) == body


@given(st.binary(max_size=300))
def test_any_other_bytes_are_refused_or_harmless(payload: bytes) -> None:
    answer = json.loads(handler(payload, CONTEXT))
    assert answer["error"]["kind"] == "refused"


@given(json_values)
def test_any_header_is_refused_unless_it_is_right(header: Any) -> None:
    text = json.dumps(header).encode()
    payload = len(text).to_bytes(4, "big") + text
    assert json.loads(handler(payload, CONTEXT))["error"]["kind"] == "refused"


def test_a_header_longer_than_any_is_refused() -> None:
    with pytest.raises(RelayError):
        unframe(frame({"x": "y" * relay.HEADER_TEXT_BYTES_MAX}))


# --- where it may send ---------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://b-1.oss-cn-hangzhou.aliyuncs.com/k",
        "https://b-1.oss-cn-shanghai-internal.aliyuncs.com/k",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com:443/k",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com:8443/k",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com.evil.com/k",
        "https://evil.com/b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://evil.com#b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://evil.com\\@b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://user@b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://x@evil.com/b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://b.c.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://b_1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://B-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://-.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "https://b-1.oss-cn-hangzhou-internalXaliyuncs.com/k",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k k",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k\r\nHost: evil.com",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k\n",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k#f",
        "https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/ä",
        "https://100.100.100.200/latest/meta-data",
        "https://ecs.cn-hangzhou.aliyuncs.com/",
        "file:///etc/passwd",
        "//b-1.oss-cn-hangzhou-internal.aliyuncs.com/k",
        "",
        None,
        7,
        ["https://b-1.oss-cn-hangzhou-internal.aliyuncs.com/k"],
        f"https://{HOST}/" + "k" * relay.URL_CHARS_MAX,
    ],
)
def test_any_destination_but_this_regions_oss_is_refused(
    far: FarSide, url: Any
) -> None:
    assert refusal(request(url=url)) == "the destination is not this region's OSS"
    assert not far.connects


@pytest.mark.parametrize(
    "host", [HOST, f"oss-{REGION}-internal.aliyuncs.com", f"a1b.{HOST[4:]}"]
)
def test_this_regions_oss_is_not_refused(far: FarSide, host: str) -> None:
    answer = run(request(url=f"https://{host}/"))
    assert answer["status"] == 200
    assert far.connects == [host]


@pytest.mark.parametrize("region", ["", "cn", ".*", "cn-hangzhou|x", None, "cn-h/../"])
def test_without_a_region_nothing_is_sent(far: FarSide, region: Any) -> None:
    refusal(request(), context=SimpleNamespace(region=region))
    assert not far.connects


@pytest.mark.parametrize(
    "url",
    [
        "http://b-1.oss-eu-west-1.aliyuncs.com/k",
        "https://aliyuncs.com/k",
        "https://ecs.eu-west-1.aliyuncs.com/k",
        "https://fcv3.eu-west-1.aliyuncs.com/k",
        "https://oss-eu-west-1.aliyuncs.com/k",
        "https://s-1.oss.aliyuncs.com/k",
        "https://s-1.oss-eu-west-1-internal.aliyuncs.com/k",
        "https://s-1.x.oss-eu-west-1.aliyuncs.com/k",
        "https://s-1.s3.oss-eu-west-1.aliyuncs.com/k",
        "https://evil.com/k",
        "https://evilaliyuncs.com/k",
        "https://x.aliyuncs.com.evil.com/k",
        "https://x.aliyuncs.com:22/k",
        "https://u:p@x.aliyuncs.com/k",
        "https://x.aliyuncs.com/a b",
        "https://[::1]/k",
        None,
    ],
)
def test_a_source_elsewhere_is_refused(far: FarSide, url: Any) -> None:
    assert "source" in refusal(fetch(urls=[SOURCES[0], url]))
    assert not far.connects


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (request(method="CONNECT"), b""),
        (request(method=None), b""),
        (request(headers="x"), b""),
        (request(headers=[["a"]]), b""),
        (request(headers=[["a", 1]]), b""),
        (request(headers=[["a b", "c"]]), b""),
        (request(headers=[["a", "c\r\nd: e"]]), b""),
        (request(headers=[["a", "ä€"]]), b""),
        (request(headers=[["a", "b"]] * 65), b""),
        (request(headers=[["a", "b" * 8193]]), b""),
        (request(deadline_s=-1), b""),
        (request(deadline_s=True), b""),
        (request(deadline_s="9"), b""),
        (request(fetch=[]), b""),
        (request(fetch={}), b""),
        (fetch(), b"both"),
        (fetch(urls=[]), b""),
        (fetch(urls=SOURCES * 6), b""),
        (fetch(offset=-1), b""),
        (fetch(length=6 * 1024**3), b""),
        (fetch(length=None), b""),
    ],
    ids=str,
)
def test_a_malformed_request_is_refused(
    far: FarSide, header: dict[str, Any], body: bytes
) -> None:
    refusal(header, body)
    assert not far.connects


# --- what it sends -------------------------------------------------------------------


def test_the_request_arrives_as_it_was_signed(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(
        status=403, body=b"\x00no", headers={"x-oss-request-id": "R"}
    )
    answer = run(request(), DATA)
    [seen] = far.seen
    assert (seen.host, seen.method, seen.target) == (HOST, "PUT", "/k?x=1")
    assert seen.body == DATA
    # Not one header more: a Content-Type of its own would break the signature.
    assert seen.headers == {
        "host": HOST,
        "authorization": "OSS4 x",
        "x-oss-date": "d",
        "content-length": str(len(DATA)),
    }
    assert answer["status"] == 403
    assert base64.b64decode(answer["body"]) == b"\x00no"
    assert ["x-oss-request-id", "R"] in answer["headers"]


def test_headers_of_the_connection_are_its_own(far: FarSide) -> None:
    stolen = ["Host", "Content-Length", "transfer-encoding", "Proxy-Authorization"]
    run(request(headers=[[name, "99"] for name in stolen]), b"abc")
    assert far.seen[0].headers == {"host": HOST, "content-length": "3"}


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_a_request_without_a_body_has_no_length(far: FarSide, method: str) -> None:
    run(request(method=method))
    assert "content-length" not in far.seen[0].headers


def test_a_redirect_is_not_followed(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(
        status=307, headers={"Location": "https://evil.com/"}
    )
    assert run(request(method="GET"))["status"] == 307
    assert far.connects == [HOST]


def test_a_target_that_hangs_up_is_a_failure_of_the_target(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(raw=b"")
    assert run(request(), b"x")["error"]["kind"] == "target"


def test_a_target_that_answers_too_much_is_a_failure(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(body=bytes(relay.ANSWER_BYTES_MAX + 1))
    assert run(request(method="GET"))["error"]["kind"] == "target"


def test_an_unknown_certificate_is_a_failure_of_the_target(
    far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    relay._tls_context.cache_clear()
    answer = run(request())
    assert answer["error"] == {"kind": "target", "detail": "SSLCertVerificationError"}
    assert not far.seen


# --- fetching ------------------------------------------------------------------------


def ranged(seen: Seen, data: bytes = DATA) -> Reply:
    """Answer a Range request as OSS does."""
    first, last = map(int, seen.headers["range"].removeprefix("bytes=").split("-"))
    return Reply(
        status=206,
        body=data[first : last + 1],
        headers={"Content-Range": f"bytes {first}-{last}/{len(data)}"},
    )


def source_of(seen: Seen) -> int:
    return int(seen.host[2])


def half(reply: Reply) -> Reply:
    """Promise a whole body, send half of it and hang up."""
    told = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
    head = f"HTTP/1.1 206 x\r\nContent-Length: {len(reply.body)}\r\n{told}\r\n"
    return Reply(raw=head.encode() + reply.body[: len(reply.body) // 2])


def test_a_range_of_a_source_becomes_the_body(far: FarSide) -> None:
    far.answer = lambda seen: Reply() if seen.host == HOST else ranged(seen)
    answer = run(fetch(offset=1000, length=2_000_000))
    assert answer["status"] == 200
    got, put = far.seen
    assert got.headers["range"] == "bytes=1000-2000999"
    assert got.target == "/k?sig=1"
    assert "authorization" not in got.headers
    assert put.body == DATA[1000:2_001_000]
    assert put.headers["content-length"] == "2000000"


def test_a_source_that_stops_half_way_is_taken_over_by_the_next(far: FarSide) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.host == HOST:
            return Reply()
        return ranged(seen) if source_of(seen) == 3 else half(ranged(seen))

    far.answer = answer
    assert run(fetch())["status"] == 200
    puts = [seen for seen in far.seen if seen.host == HOST]
    assert [put.body for put in puts] == [DATA]
    ranges = [seen.headers["range"] for seen in far.seen if seen.host != HOST]
    assert ranges == [
        f"bytes=0-{len(DATA) - 1}",
        f"bytes={len(DATA) // 2}-{len(DATA) - 1}",
        f"bytes={len(DATA) * 3 // 4}-{len(DATA) - 1}",
    ]


@pytest.mark.parametrize(("failures", "works"), [(9, True), (10, False)])
def test_a_single_source_is_tried_ten_times(
    far: FarSide, *, failures: int, works: bool
) -> None:
    left = [half] * failures

    def answer(seen: Seen) -> Reply:
        if seen.host == HOST:
            return Reply()
        return left.pop()(ranged(seen)) if left else ranged(seen)

    far.answer = answer
    answered = run(fetch(urls=SOURCES[:1]))
    puts = [seen.body for seen in far.seen if seen.host == HOST]
    assert puts == ([DATA] if works else [])
    assert answered.get("error", {}).get("kind") == (None if works else "fetch")


@pytest.mark.parametrize("status", [200, 403, 404, 410, 416])
def test_a_source_that_is_gone_is_not_asked_again(far: FarSide, status: int) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.host == HOST:
            return Reply()
        return ranged(seen) if source_of(seen) == 2 else Reply(status=status)

    far.answer = answer
    assert run(fetch())["status"] == 200
    assert [source_of(seen) for seen in far.seen if seen.host != HOST] == [1, 2]


def test_nothing_is_sent_when_no_source_works(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(status=403)
    answer = run(fetch())
    assert answer["error"]["kind"] == "fetch"
    assert "HTTP 403" in answer["error"]["detail"]
    assert HOST not in far.connects
    assert "sig=" not in json.dumps(answer)


@pytest.mark.parametrize(
    "told", ["", "bytes 0-5/6", "bytes 1-4194304/4194305", "items 0-4194303/9"]
)
def test_another_range_than_asked_for_is_not_taken(far: FarSide, told: str) -> None:
    far.answer = lambda _seen: Reply(
        status=206, body=DATA, headers={"Content-Range": told}
    )
    started = fetch()
    started["deadline_s"] = 1
    assert run(started)["error"]["kind"] == "fetch"
    assert HOST not in far.connects


def test_when_all_sources_die_half_way_no_object_comes_of_it(far: FarSide) -> None:
    def answer(seen: Seen) -> Reply:
        if seen.host == HOST:
            return Reply()
        first = seen.headers["range"].startswith("bytes=0-")
        return half(ranged(seen)) if first else Reply(status=404)

    far.answer = answer
    assert run(fetch())["error"]["kind"] == "fetch"
    assert not [seen for seen in far.seen if seen.host == HOST]


def test_the_deadline_ends_a_slow_fetch_in_words(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(status=503)
    slow = fetch()
    slow["deadline_s"] = 0
    answer = run(slow)
    assert answer["error"] == {"kind": "fetch", "detail": "no time is left"}


# --- what nobody may do: keep it waiting, or cut an answer short ----------------------

DRIPS = 4000
"""At 20 bytes a second it takes minutes, and no byte keeps a socket waiting."""


def test_a_source_that_drips_cannot_outlive_the_deadline(far: FarSide) -> None:
    def answer(seen: Seen) -> Reply:
        return replace(ranged(seen), body=bytes(DRIPS), drip_s=0.05)

    far.answer = answer
    slow = fetch(urls=SOURCES[:1])
    slow["deadline_s"] = 0.6
    answered = run(slow)
    assert answered["error"]["kind"] == "fetch"
    assert answered["error"]["detail"] == "no time is left"
    assert far.dripped < DRIPS / 2


def test_an_answer_that_drips_cannot_outlive_the_deadline(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(body=bytes(DRIPS), drip_s=0.05)
    answered = run(request(method="GET", deadline_s=0.6))
    assert answered["error"] == {"kind": "target", "detail": "TimeoutError"}
    assert far.dripped < DRIPS / 2


def test_a_target_that_says_nothing_is_left_at_the_deadline(far: FarSide) -> None:
    far.answer = lambda _seen: Reply(stall_s=3.0)
    answered = run(request(deadline_s=0.3), b"body")
    assert answered["error"]["kind"] == "target"


def test_a_target_that_takes_nothing_is_left_at_the_deadline(
    far: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Slow:
        """A socket that takes one byte at a time."""

        def settimeout(self, seconds: float) -> None:
            assert 0 < seconds <= 5

        def send(self, data: memoryview) -> int:
            sizes.append(len(data))
            now[0] += 1.0
            return 1

    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bound = relay.BoundSocket(Slow(), 105.0)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        bound.sendall(b"0123456789")
    assert sizes == [10, 9, 8, 7, 6]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n12345",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ],
    ids=["shorter than said", "within a chunk", "without the last chunk"],
)
def test_an_answer_that_was_cut_off_is_no_answer(far: FarSide, answer: bytes) -> None:
    far.answer = lambda _seen: Reply(raw=answer)
    assert run(request(method="GET"))["error"]["kind"] == "target"


def test_a_source_that_does_not_exist_is_told_by_its_number(far: FarSide) -> None:
    statuses = {1: 404, 2: 403, 3: 404}
    far.answer = lambda seen: Reply(status=statuses[source_of(seen)])
    error = run(fetch())["error"]
    assert (error["kind"], error["gone"]) == ("fetch", [0, 2])
    # One that works is enough, and then nothing is told.
    statuses[2] = 0

    def answer(seen: Seen) -> Reply:
        if seen.host == HOST:
            return Reply()
        status = statuses[source_of(seen)]
        return Reply(status=status) if status else ranged(seen)

    far.answer = answer
    assert run(fetch())["status"] == 200


def test_a_fetch_takes_constant_memory(far: FarSide) -> None:
    size = 64 * 1024 * 1024
    zeros = bytes(size)
    done = threading.Event()

    def answer(seen: Seen) -> Reply:
        if seen.host != HOST:
            return ranged(seen, zeros)
        done.set()
        return Reply()

    far.answer = answer
    run(fetch(length=1))
    far.seen.clear()
    tracemalloc.start()
    # Blocks are handed on, so what is in memory is what the far side here keeps:
    # the answer it sends, and the start of what it gets.
    assert run(fetch(length=size))["status"] == 200
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * size + 40 * 1024 * 1024
    assert done.is_set()


# --- as Function Compute runs it -----------------------------------------------------


def test_it_is_written_for_python_3_10_and_the_standard_library_alone() -> None:
    source = Path(relay.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 10))
    modules = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def test_it_says_nothing_and_runs_alone(far: FarSide, tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_bytes(Path(relay.__file__).read_bytes())
    (tmp_path / "payload").write_bytes(frame(request(), DATA))
    code = (
        "import handler, types\n"
        "context = types.SimpleNamespace(region='cn-hangzhou')\n"
        "answer = handler.handler(open('payload', 'rb').read(), context)\n"
        "handler.handler(b'', context)\n"
        "open('answer', 'w').write(answer)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = ['.']\n{code}"],
        cwd=tmp_path,
        env=far.environment,
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert json.loads((tmp_path / "answer").read_text())["status"] == 200
    assert far.seen[0].body == DATA


def test_what_goes_wrong_within_is_told_by_its_kind_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_args: Any) -> None:
        raise ValueError("https://h/k?signature=secret")

    monkeypatch.setattr(relay, "_relay", broken)
    assert run(request()) == {"error": {"kind": "broken", "detail": "ValueError"}}
