"""A cloud of a test suite's own."""

import json
import os
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alicloud_emulator.front import environment
from alicloud_emulator.front.hooks import sitecustomize
from alicloud_emulator.testing.process import Server
from alicloud_emulator.testing.values import (
    KINDS,
    Call,
    Fault,
    Thing,
    call_of,
    kind_of,
    things,
)

Table = Mapping[str, Any]
"""A profile, or a fault rule, with the keys that its file would have."""


class Cloud:
    """A running cloud, until ``stop`` or the end of the ``with`` block.

    Programs use it in the environment ``env``; this process does inside ``inside()``.

    Args:
        profile: A shipped profile's name, a file, or a table that begins with
            ``"extends": "fast"`` and says what differs.
        seed: Decides all chance.
        speed: What takes time takes 1/speed of the profile's.
        faults: Rules in force from the start, and again after each reset.
        user: Whose keys programs get; "" for the main account's.
        state: A folder in which it outlives its process; None for none.

    Raises:
        CloudError: It does not start; why is on standard error.
    """

    def __init__(
        self,
        *,
        profile: str | Path | Table = "fast",
        seed: int = 0,
        speed: float = 1.0,
        faults: Iterable[Table] = (),
        user: str = "",
        state: Path | None = None,
    ) -> None:
        self._faults = list(faults)
        with _as_option(profile) as named:
            options = ["--profile", named, "--seed", str(seed), "--speed", str(speed)]
            options += ["--as", user] if user else []
            options += ["--state", str(state)] if state else []
            self._server = Server(options)
        self._put_in_force()

    # --- programs in it ---------------------------------------------------------------

    @property
    def env(self) -> dict[str, str]:
        """The whole environment for a program that is to use it: ours, and more."""
        removed = self._server.ready["unset"]
        kept = {
            name: value for name, value in os.environ.items() if name not in removed
        }
        hooks = environment.hooks(os.environ)
        return {**kept, **self._server.ready["env"], **hooks}

    @property
    def access_key(self) -> tuple[str, str]:
        """Id and secret of the key that programs get."""
        given = self._server.ready["env"]
        return (
            given["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        )

    @property
    def console(self) -> str:
        """URL of its console, which is a page for people, too."""
        return str(self._server.ready["console"])

    @property
    def proxy(self) -> str:
        """URL of its proxy."""
        return str(self._server.ready["proxy"])

    @property
    def pid(self) -> int:
        """Id of its process."""
        return self._server.pid

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Let this process use it, for the length of the block.

        The environment is changed, and so are ``certifi.where`` and name resolution,
        for clients that do not look at it. Of two clouds, the inner one is used.
        """
        before = dict(os.environ)
        _become(self.env)
        changed = sitecustomize.begin()
        # It remembers the proxy and the certificates that it saw first.
        opener = urllib.request._opener  # type: ignore[attr-defined] # noqa: SLF001 - nothing else tells
        urllib.request.install_opener(None)  # as it begins
        try:
            yield
        finally:
            urllib.request.install_opener(opener)
            sitecustomize.end(changed)
            _become(before)

    # --- what is in it ----------------------------------------------------------------

    def state(self, account_id: str = "") -> dict[str, Any]:
        """Return the state document of an account; "" for the main account.

        Raises:
            ValueError: The profile has no such account.
        """
        query = f"?account={account_id}" if account_id else ""
        found: dict[str, Any] = self._server.call("GET", f"/state{query}")
        return found

    def things(self, kind: str = "", *, region: str = "") -> list[Thing]:
        """Return what the main account has, of a kind and in a region or of all.

        Args:
            kind: For example ``bucket`` or ``buckets``; "" for every kind.
            region: For example ``cn-hangzhou``; "" for every region, and for none.

        Raises:
            ValueError: There is no such kind.
        """
        kind = kind_of(kind)
        return [
            thing
            for thing in things(self.state())
            if kind in ("", thing.kind) and region in ("", thing.region)
        ]

    def object(self, bucket: str, key: str) -> dict[str, Any] | None:
        """Return ``key``, ``size`` and ``sha256`` of an object, or None."""
        for thing in self.things("bucket"):
            for one in thing["objects"]:
                if (thing.name, one["key"]) == (bucket, key):
                    return dict(one)
        return None

    @property
    def left_behind(self) -> list[Thing]:
        """Everything there is but finished images and what they need.

        A program that cleans up after itself leaves nothing.
        """
        state = self.state()
        left = {
            (one["region"], KINDS[one["kind"]][0], one["id"])
            for one in state["left_behind"]
        }
        return [
            thing
            for thing in things(state)
            if (thing.region, thing.kind, thing.id) in left
        ]

    # --- what was asked of it ---------------------------------------------------------

    def calls(self, action: str = "") -> list[Call]:
        """Return the last calls (at most 1000), oldest first, of an action or all.

        Args:
            action: For example ``oss.PutObject``, or ``PutObject``.
        """
        found = map(call_of, self._server.call("GET", "/calls")["calls"])
        return [
            call
            for call in found
            if action in ("", call.action, call.action.partition(".")[2])
        ]

    def requests(self) -> dict[str, Any]:
        """Return the counts since the last reset: calls, errors, faults, bytes."""
        found: dict[str, Any] = self._server.call("GET", "/requests")
        return found

    # --- changing it ------------------------------------------------------------------

    def reset(self) -> None:
        """Empty it, and take every fault but those of its start out of force."""
        self._server.call("POST", "/reset")
        self._put_in_force()

    def fault(self, do: str, **keys: Any) -> Fault:
        """Put a fault rule in force: ``cloud.fault("drop-after", action="PutObject")``.

        Args:
            do: What goes wrong.
            keys: When; docs/report.md has every key.

        Raises:
            ValueError: A key is unknown, or its value impossible.
        """
        (number,) = self._server.call("POST", "/faults", {"do": do, **keys})["ids"]
        return Fault(id=number, _console=self._server.call)

    def clock(self) -> float:
        """Return the Unix time that it is in the cloud."""
        return float(self._server.call("GET", "/clock")["now"])

    def let_pass(self, seconds: float) -> None:
        """Let time pass in the cloud: what was to be done by then is done.

        Programs' own clocks stay as they are, and so do signatures' times.
        """
        self._server.call("POST", "/clock", {"pass_s": seconds})

    def let_run(self, speed: float) -> None:
        """Let time pass ``speed`` times as fast there from now on, until a reset.

        With 0.001 what takes time does not end before it is told to.
        """
        self._server.call("POST", "/clock", {"speed": speed})

    def save(self, name: str) -> None:
        """Keep it as it is under a name; it has to have a ``state``.

        Raises:
            ValueError: It has none, or it is no name.
        """
        self._server.call("PUT", f"/snapshots/{name}")

    def load(self, name: str) -> None:
        """Make it what it was when it was saved under a name.

        Raises:
            ValueError: There is none of that name.
        """
        self._server.call("POST", f"/snapshots/{name}")

    def _put_in_force(self) -> None:
        if self._faults:
            self._server.call(
                "POST", "/faults", [dict(fault) for fault in self._faults]
            )

    # --- its end ----------------------------------------------------------------------

    def stop(self) -> None:
        """End it, its functions' processes too."""
        self._server.stop()

    def __enter__(self) -> Self:
        """Do nothing: it runs."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.stop()


@contextmanager
def cloud(**options: Any) -> Iterator[Cloud]:
    """Run a cloud, and use it in this process, for the length of the block.

    Args:
        options: As ``Cloud`` has them.
    """
    with Cloud(**options) as running, running.inside():
        yield running


@contextmanager
def _as_option(profile: str | Path | Table) -> Iterator[str]:
    """Return a profile as ``--profile`` takes it."""
    if isinstance(profile, str | Path):
        yield str(profile)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "profile.json")
        file.write_text(json.dumps(dict(profile)), encoding="utf-8")
        yield str(file)


def _become(env: Mapping[str, str]) -> None:
    """Make this process's environment another, and change no more than differs."""
    for name in [name for name in os.environ if name not in env]:
        del os.environ[name]
    for name, value in env.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
