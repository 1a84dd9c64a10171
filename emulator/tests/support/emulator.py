"""An emulator as a process of its own, for tests over real sockets."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

START_S_MAX = 20.0
STOP_S_MAX = 20.0

# The console is on this machine: no proxy, whatever the environment says.
_opener = build_opener(ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class RunningEmulator:
    """A running ``alicloud-emulator serve``.

    Attributes:
        env: The environment for programs that use it: ours, changed as ``exec`` would.
        proxy: URL of the proxy.
        console: URL of the console.
        given: What serve said of itself when it was ready.
    """

    pid: int
    env: Mapping[str, str] = field(repr=False)
    proxy: str
    console: str
    ca_bundle: Path
    given: Mapping[str, Any] = field(repr=False)

    @property
    def keys(self) -> tuple[str, str]:
        """The main account's access key."""
        return (
            self.env["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            self.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        )

    @property
    def proxy_port(self) -> int:
        return int(self.proxy.rpartition(":")[2])

    def get(self, path: str) -> Any:
        """Return a JSON document of the console."""
        return json.loads(self.call("GET", path))

    def post(self, path: str, document: object = None) -> Any:
        """Post JSON to the console and return its JSON answer, if there is one."""
        answer = self.call("POST", path, json.dumps(document).encode())
        return json.loads(answer) if answer else None

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Make a request to the console."""
        request = Request(f"{self.console}{path}", data=body, method=method)
        with _opener.open(request, timeout=30) as answer:
            return bytes(answer.read())

    def reset(self) -> None:
        """Empty the cloud and take all fault rules away."""
        self.call("POST", "/reset")


@contextmanager
def emulator(
    *options: str, env: Mapping[str, str] | None = None
) -> Iterator[RunningEmulator]:
    """Run ``alicloud-emulator serve`` for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "alicloud_emulator.cli.main", "serve", *options],
        stdout=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    try:
        ready = json.loads(_first_line(process))
        yield RunningEmulator(
            pid=process.pid,
            env=child_environment(ready),
            proxy=ready["proxy"],
            console=ready["console"],
            ca_bundle=Path(ready["ca_bundle"]),
            given=ready,
        )
    finally:
        _stop(process)


def child_environment(ready: Mapping[str, Any]) -> dict[str, str]:
    """Return our environment, changed as serve's ready line says."""
    kept = {k: v for k, v in os.environ.items() if k not in ready["unset"]}
    return {**kept, **ready["env"]}


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    lines: Queue[bytes] = Queue()
    assert process.stdout is not None
    reader = Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True)  # type: ignore[union-attr] # asserted above
    reader.start()
    try:
        line = lines.get(timeout=START_S_MAX)
    except Empty:
        raise TimeoutError("the emulator did not start in time") from None
    if not line:
        raise RuntimeError(f"the emulator ended at once: status {process.wait(5)}")
    return line


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
