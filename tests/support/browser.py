"""A page in headless Chromium, driven over a pipe: what it shows, and what it complains of.

The protocol is Chromium's own (https://chromedevtools.github.io/devtools-protocol/); each
message is JSON with a zero byte behind it.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STOP_S_MAX = 10


def chromium() -> str | None:
    """Return the browser's path, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


class Page:
    """One open page.

    Attributes:
        complaints: What went to its console, was thrown in it, or was refused by its
            policy.
        requested: Addresses that it asked for.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._rest = b""
        self._id = 0
        self._session = self._target = ""
        self._events: list[dict[str, Any]] = []
        self.complaints: list[str] = []
        self.requested: list[str] = []

    def open(self, path: Path | str, *, width: int, height: int) -> None:
        """Open a file, or an address, in a window of that size."""
        self._target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask(
            "Target.attachToTarget", targetId=self._target, flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.resize(width=width, height=height)
        url = path if isinstance(path, str) else path.as_uri()
        self.ask("Page.navigate", url=url)
        while not any(e["method"] == "Page.loadEventFired" for e in self._events):
            self._take(self._receive())

    def dark(self, *, wanted: bool) -> None:
        """Have the page believe that its reader likes it dark, or light.

        Nothing moves from then on: what is measured is there, and not on its way.
        """
        scheme = {
            "name": "prefers-color-scheme",
            "value": "dark" if wanted else "light",
        }
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme, still])

    def printed(self) -> bytes:
        """Return the page as it would be printed, a PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])

    def picture(self) -> bytes:
        """Return what the window shows, a PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def value(self, expression: str) -> Any:
        """Return what a JavaScript expression is in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def close(self) -> None:
        """Close what is open, and forget it: another may be opened."""
        self._session = ""
        self.ask("Target.closeTarget", targetId=self._target)
        self._events.clear()
        self.complaints.clear()
        self.requested.clear()

    def resize(self, *, width: int, height: int) -> None:
        """Give the window another size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.ask("Emulation.setDeviceMetricsOverride", mobile=False, **size)

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press a key and let it go."""
        known = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **known)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **known)

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command, and return its result."""
        self._id += 1
        message = {"id": self._id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._id:
                assert "error" not in answer, answer
                return answer["result"]
            self._take(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._reading, 1 << 16)
            assert more, "the browser has gone"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        decoded: dict[str, Any] = json.loads(message)
        return decoded

    def _take(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        match event.get("method"):
            case (
                "Runtime.consoleAPICalled"
                | "Runtime.exceptionThrown"
                | "Log.entryAdded"
            ):
                self.complaints.append(json.dumps(event["params"]))
            case "Network.requestWillBeSent":
                self.requested.append(event["params"]["request"]["url"])
            case _:
                pass


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Run a browser that keeps what it writes in ``folder``."""
    path = chromium()
    assert path is not None
    to_read, to_write = os.pipe(), os.pipe()
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    # It reads commands from descriptor 3, and answers on 4.
    command = f'exec "$0" "$@" 3<&{to_write[0]} 4>&{to_read[1]}'
    process = subprocess.Popen(
        [
            *("bash", "-c", command, path, *flags, "--remote-debugging-pipe"),
            *(f"--user-data-dir={folder}", "--no-first-run", "--disable-extensions"),
        ],
        pass_fds=(to_write[0], to_read[1]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    )
    os.close(to_write[0])
    os.close(to_read[1])
    try:
        yield Page(to_read[0], to_write[1])
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(to_read[0])
        os.close(to_write[1])
