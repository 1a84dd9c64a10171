"""``--state``: what was answered is there after any end of the process."""

import os
import signal
import sqlite3
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from alicloud_emulator import testing
from emulator.tests.support.oss_url import presigned
from emulator.tests.support.waiting import until

KIND = {"Content-Type": ""}
WRITERS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def cloud(folder: Path) -> Iterator[testing.Cloud]:
    with testing.Cloud(state=folder) as running:
        yield running


class Client:
    """Puts and gets objects, by the proxy and no environment."""

    def __init__(self, cloud: testing.Cloud) -> None:
        self._cloud = cloud
        trusted = ssl.create_default_context(cafile=cloud.env["ALICLOUD_EMULATOR_CA"])
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": cloud.proxy}),
            urllib.request.HTTPSHandler(context=trusted),
        )

    def ask(self, method: str, bucket: str, key: str = "", body: bytes = b"") -> bytes:
        url = presigned(self._cloud.access_key, method, bucket, key)
        request = urllib.request.Request(
            url, data=body or None, method=method, headers=KIND
        )
        with self._opener.open(request, timeout=60) as answer:
            return bytes(answer.read())


def test_what_was_answered_survives_a_kill(folder: Path) -> None:
    """Several write at once; the process is killed in the middle of it."""
    answered: list[str] = []

    def write(cloud: testing.Cloud, writer: int) -> None:
        client = Client(cloud)
        for number in range(10_000):
            key = f"{writer}-{number}"
            try:
                client.ask("PUT", "pail", key, key.encode() * 50)
            except OSError:
                return
            answered.append(key)

    with testing.Cloud(state=folder) as first:
        Client(first).ask("PUT", "pail")
        writers = [Thread(target=write, args=(first, n)) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        until(lambda: len(answered) >= 60)
        os.kill(first.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
    with testing.Cloud(state=folder) as second:
        (pail,) = second.things("bucket")
        there = {one["key"]: one["size"] for one in pail["objects"]}
        assert set(answered) <= set(there)
        # Nothing is half there, and no file is left of what is not there.
        assert all(size == 50 * len(key) for key, size in there.items())
        assert len(list((folder / "blobs").iterdir())) == len(there)
        assert second.access_key == first.access_key
        read = Client(second).ask("GET", "pail", answered[-1])
        assert read == answered[-1].encode() * 50


def test_clock_faults_seed_and_counts_are_kept(folder: Path) -> None:
    with testing.Cloud(state=folder, seed=5) as first:
        first.let_pass(100_000)
        first.fault("delay", action="Nothing*", delay_s=7)
        before = first.clock()
    with testing.Cloud(state=folder) as second:
        assert second.clock() >= before
        assert second.state()["seed"] == 5
        (rule,) = second._server.call("GET", "/faults")["faults"]
        assert (rule["do"], rule["delay_s"]) == ("delay", 7)
        second.reset()
        assert second._server.call("GET", "/faults")["faults"] == []
    with testing.Cloud(state=folder) as third:
        assert third._server.call("GET", "/faults")["faults"] == []


def test_snapshots_are_saved_loaded_and_forgotten(
    cloud: testing.Cloud, folder: Path
) -> None:
    client = Client(cloud)
    client.ask("PUT", "pail")
    client.ask("PUT", "pail", "k", b"first")
    cloud.save("one")
    client.ask("PUT", "pail", "k", b"second")
    client.ask("PUT", "pail", "l", b"more")
    cloud.save("two")
    cloud.reset()
    assert cloud.things() == []
    cloud.load("one")
    assert client.ask("GET", "pail", "k") == b"first"
    assert cloud.object("pail", "l") is None
    cloud.load("two")
    assert client.ask("GET", "pail", "k") == b"second"
    client.ask("DELETE", "pail", "k")
    cloud.load("two")  # a snapshot does not change
    assert client.ask("GET", "pail", "k") == b"second"
    assert cloud._server.call("GET", "/snapshots") == {"snapshots": ["one", "two"]}
    cloud._server.call("DELETE", "/snapshots/one")
    for name in ("one", "..%2Fx", "", ".hidden"):
        with pytest.raises(ValueError, match=r"snapshot|GET"):
            cloud.load(name)
    assert {entry.name for entry in (folder / "snapshots").iterdir()} == {"two"}
    # One that cannot be read changes nothing, and what comes after is kept as before.
    broken = folder / "snapshots" / "two" / "cloud.db"
    with closing(sqlite3.connect(broken)) as database, database:
        database.execute("DELETE FROM rows WHERE key = 'parts'")
    with pytest.raises(ValueError, match="no state of a cloud"):
        cloud.load("two")
    client.ask("PUT", "pail", "m", b"later")
    os.kill(cloud.pid, signal.SIGKILL)
    cloud.stop()
    with testing.Cloud(state=folder) as again:
        assert again.object("pail", "m") is not None
        assert Client(again).ask("GET", "pail", "k") == b"second"


def test_a_folder_is_one_clouds_at_a_time(
    cloud: testing.Cloud, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(testing.CloudError):
        testing.Cloud(state=folder)
    assert "another emulator uses it" in capfd.readouterr().err
    assert cloud.things() == []
    assert folder.stat().st_mode & 0o077 == 0, "it has keys in it"


def test_what_is_no_state_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "cloud.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(testing.CloudError):
        testing.Cloud(state=folder)
    assert "not a database" in capfd.readouterr().err
    (folder / "cloud.db").unlink()
    with testing.Cloud(state=folder):
        pass
    with closing(sqlite3.connect(folder / "cloud.db")) as database, database:
        database.execute("UPDATE rows SET json = '{}' WHERE key = '@.ecs._store'")
        database.execute("UPDATE rows SET json = '[]' WHERE key = 'parts'")
        database.execute("INSERT INTO rows VALUES ('@.nowhere', '{}')")
    with pytest.raises(testing.CloudError):
        testing.Cloud(state=folder)
    assert "no state of a cloud" in capfd.readouterr().err


def test_without_a_folder_nothing_is_saved() -> None:
    with testing.Cloud() as running, pytest.raises(ValueError, match="--state DIR"):
        running.save("x")
