"""A ``serve`` as a child process, and requests to its console."""

import http.client
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

_START_S_MAX = 60.0
"""Half a second on a quiet machine; test suites fill machines."""

_STOP_S_MAX = 10.0
_CALL_S_MAX = 60.0
_COMMAND = (sys.executable, "-m", "alicloud_emulator.cli.main", "serve", "--until-eof")


class CloudError(RuntimeError):
    """The emulator did not start, or does not answer any more."""


class Server:
    """A running ``alicloud-emulator serve``, which ends when this process does.

    Attributes:
        ready: What it said of itself when it was ready.

    Raises:
        CloudError: It does not start; why is on standard error.
    """

    def __init__(self, options: Sequence[str]) -> None:
        # In a session of its own: Ctrl-C is for the tests, which then end it.
        self._process = subprocess.Popen(
            [*_COMMAND, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self.ready: dict[str, Any] = json.loads(self._first_line())
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def call(self, method: str, path: str, document: object = None) -> Any:
        """Make a request to the console; return its JSON, or None if there is none.

        Raises:
            ValueError: The console refuses; the text says why.
            CloudError: It does not answer.
        """
        where = urlsplit(self.ready["console"])
        assert where.hostname is not None
        console = http.client.HTTPConnection(
            where.hostname, where.port, timeout=_CALL_S_MAX
        )
        body = b"" if document is None else json.dumps(document).encode()
        try:
            console.request(method, path, body)
            answer = console.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CloudError(f"the emulator does not answer: {error}") from error
        finally:
            console.close()
        if answer.status >= 400:
            raise ValueError(text.decode("utf-8", "replace").strip())
        return json.loads(text) if text else None

    def stop(self) -> None:
        """End the process; it ends its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(_STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._process.stdout.close()

    def _first_line(self) -> bytes:
        """Return the line that says where everything is, without a thread for it."""
        assert self._process.stdout is not None
        out = self._process.stdout.fileno()
        until, line = time.monotonic() + _START_S_MAX, b""
        while not line.endswith(b"\n"):
            left_s = until - time.monotonic()
            if left_s <= 0 or not select.select([out], [], [], left_s)[0]:
                raise CloudError(f"the emulator did not start in {_START_S_MAX:g} s")
            block = os.read(out, 65536)
            if not block:
                raise CloudError("the emulator did not start: see standard error")
            line += block
        return line
